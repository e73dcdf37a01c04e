// The columns that the table types declare (libs/database/tables/schema.ts), read with the compiler: of each its kind,
// whether it may be null, and whether an insert must give it. Types are gone when a program runs, so nothing else can
// compare them with a database. `columnsThatDiffer` says in sentences where the types and a migrated database disagree.
import { join } from 'node:path';
import ts from 'typescript';

export type ColumnKind =
  'text' | 'number' | 'boolean' | 'instant' | 'bytes' | 'object' | 'text[]' | 'number[]';

export interface Column {
  readonly kind: ColumnKind | `unknown: ${string}`;
  readonly isNullable: boolean;
  /** No default and not null. */
  readonly mustBeGiven: boolean;
}

/** By table, then by column. */
export type Columns = ReadonlyMap<string, ReadonlyMap<string, Column>>;

const ROOT = join(import.meta.dirname, '../..');
/** Exists in the compiler's mind alone. */
const QUESTION = join(ROOT, 'libs/database/declared-tables-question.ts');
const QUESTION_TEXT = `
import type { Insertable, Selectable } from 'kysely';
import type { Tables } from '#database/tables/schema.js';
export type Read = { [Table in keyof Tables]: Selectable<Tables[Table]> };
export type Given = { [Table in keyof Tables]: Insertable<Tables[Table]> };
`;

export function declaredTables(): Columns {
  const program = ts.createProgram({ rootNames: [QUESTION], options: options(), host: host() });
  const source = program.getSourceFile(QUESTION);
  const checker = program.getTypeChecker();
  const module = source && checker.getSymbolAtLocation(source);
  if (source === undefined || module === undefined) throw new Error('expected the question to be compiled');
  const [broken] = program.getSemanticDiagnostics(source);
  if (broken !== undefined) throw new Error(ts.flattenDiagnosticMessageText(broken.messageText, '\n'));
  const exported = new Map(
    checker
      .getExportsOfModule(module)
      .map((symbol) => [symbol.name, checker.getDeclaredTypeOfSymbol(symbol)]),
  );
  const [read, given] = [exported.get('Read'), exported.get('Given')];
  if (read === undefined || given === undefined) throw new Error('expected the question to export two types');
  const membersOf = (type: ts.Type): Map<string, ts.Symbol> =>
    new Map(type.getProperties().map((member) => [member.name, member]));
  const givenTables = membersOf(given);
  return mapValues(membersOf(read), (table) => {
    const inserts = givenTables.get(table.name);
    const givenColumns = membersOf(inserts === undefined ? given : checker.getTypeOfSymbol(inserts));
    return mapValues(membersOf(checker.getTypeOfSymbol(table)), (column): Column => {
      const type = checker.getTypeOfSymbol(column);
      const insert = givenColumns.get(column.name);
      return {
        kind: kindOf(checker, checker.getNonNullableType(type)),
        isNullable: checker.getNonNullableType(type) !== type,
        mustBeGiven: insert !== undefined && (insert.flags & ts.SymbolFlags.Optional) === 0,
      };
    });
  });
}

function options(): ts.CompilerOptions {
  const file = join(ROOT, 'tsconfig.json');
  const { config } = ts.readConfigFile(file, (path) => ts.sys.readFile(path)) as { config: object };
  return ts.parseJsonConfigFileContent({ ...config, include: [], files: [QUESTION] }, ts.sys, ROOT).options;
}

function host(): ts.CompilerHost {
  const real = ts.createCompilerHost(options());
  return {
    ...real,
    fileExists: (path) => path === QUESTION || real.fileExists(path),
    readFile: (path) => (path === QUESTION ? QUESTION_TEXT : real.readFile(path)),
    getSourceFile: (path, version) =>
      path === QUESTION
        ? ts.createSourceFile(path, QUESTION_TEXT, version)
        : real.getSourceFile(path, version),
  };
}

function kindOf(checker: ts.TypeChecker, type: ts.Type): Column['kind'] {
  const fits = (wanted: ts.Type): boolean => checker.isTypeAssignableTo(type, wanted);
  if (fits(checker.getStringType())) return 'text';
  if (fits(checker.getNumberType())) return 'number';
  if (fits(checker.getBooleanType())) return 'boolean';
  const name = type.getSymbol()?.name;
  if (name === 'Date') return 'instant';
  if (name === 'Buffer') return 'bytes';
  if (checker.isArrayType(type)) {
    const [element] = checker.getTypeArguments(type as ts.TypeReference);
    const kind = element === undefined ? null : kindOf(checker, element);
    return kind === 'text' ? 'text[]' : kind === 'number' ? 'number[]' : 'object';
  }
  const parts = type.isUnion() ? type.types : [type];
  const isObject = parts.every(
    (part) => (part.flags & (ts.TypeFlags.Object | ts.TypeFlags.NonPrimitive)) !== 0,
  );
  return isObject ? 'object' : `unknown: ${checker.typeToString(type)}`;
}

function mapValues<From, To>(map: ReadonlyMap<string, From>, to: (value: From) => To): Map<string, To> {
  return new Map([...map].map(([key, value]) => [key, to(value)]));
}

/** One sentence for each disagreement. */
export function columnsThatDiffer(declared: Columns, stored: Columns): string[] {
  const tables = new Set([...declared.keys(), ...stored.keys()]);
  return [...tables].toSorted().flatMap((table) => {
    const [types, columns] = [declared.get(table), stored.get(table)];
    if (types === undefined) return [`${table}: the database has this table, the types have not`];
    if (columns === undefined) return [`${table}: the types have this table, the database has not`];
    const names = new Set([...types.keys(), ...columns.keys()]);
    return [...names]
      .toSorted()
      .flatMap((name) => difference(`${table}.${name}`, types.get(name), columns.get(name)));
  });
}

function difference(place: string, type: Column | undefined, column: Column | undefined): string[] {
  if (type === undefined) return [`${place}: the database has this column, the types have not`];
  if (column === undefined) return [`${place}: the types have this column, the database has not`];
  const [said, found] = [describe(type), describe(column)];
  return said === found ? [] : [`${place}: the types say ${said}, the database says ${found}`];
}

function describe({ kind, isNullable, mustBeGiven }: Column): string {
  return `${kind}, ${isNullable ? 'nullable' : 'not null'}, ${mustBeGiven ? 'must be given' : 'may be left out'}`;
}
