// Is plain CRUD left to the query builder, whose columns and types the compiler checks? A statement is plain when it
// reads or changes the rows of one table by simple conditions. What is written by hand has a shape that is the point:
// several tables, a lock, a batch, an upsert, or a text whose meaning or plan is proved (docs/DECISIONS.md).
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { goldenTexts } from '../simulation/golden-texts.js';

const COLUMNS = 'its columns are a text that a lateral join shares';
const PROVED =
  'its text is known to the simulation, the scaling cases or the plans, put together from fragments';

const WRITTEN_BY_HAND: Readonly<Record<string, string>> = {
  'job-type-replace: replaceJobType': COLUMNS,
  'job-type: findJobType': COLUMNS,
  'job-type: insertJobType': COLUMNS,
  'job-type: pauseJobType': COLUMNS,
  'job-type: resumeJobType': COLUMNS,
  'job-type: updateJobType': COLUMNS,
  'leadership: beginTerm': PROVED,
  'leadership: tryLeaderLock': PROVED,
  'lease-end: loseRun': PROVED,
  'lease-end: noteProgress': PROVED,
  'lease: deleteLease': PROVED,
  'new-run: insertAndShowRun': 'it inserts where what was assumed of the tenant and its job type still holds',
};

/** What makes a statement more than plain. */
const SHAPE =
  /\b(join|unnest|lateral|exists|skip locked|on conflict|any ?\(|for (no key )?update|for (key )?share|array_agg|distinct on|union)\b|any\(|\( ?select\b|"tableoid|\bctid\b/;
const TABLE = /\bcarillon\.\w+/g;

const flat = (text: string) =>
  text
    .replaceAll(/\$\d+|\$\{\}/g, '$')
    .replaceAll(/\s+/g, ' ')
    .trim();
const golden = new Set([...goldenTexts().values()].flat().map(flat));

function plainStatements(file: string, text: string): string[] {
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
  const found: string[] = [];
  const visit = (node: ts.Node, within: string): void => {
    const name = ts.isFunctionDeclaration(node) ? (node.name?.text ?? within) : within;
    if (
      ts.isTaggedTemplateExpression(node) &&
      node.tag.getText(tree) === 'sql' &&
      isPlain(textOf(node.template))
    )
      found.push(`${basename(file, '.repository.ts')}: ${name}`);
    ts.forEachChild(node, (child) => visit(child, name));
  };
  visit(tree, '');
  return found;
}

function textOf(template: ts.TemplateLiteral): string {
  if (ts.isNoSubstitutionTemplateLiteral(template)) return flat(template.text);
  return flat([template.head.text, ...template.templateSpans.map((span) => span.literal.text)].join('${}'));
}

function isPlain(text: string): boolean {
  const isStatement = /^(select|insert into|update|delete from) /.test(text);
  return isStatement && text.match(TABLE)?.length === 1 && !SHAPE.test(text) && !golden.has(text);
}

describe('plain statements', () => {
  const files = globSync('{apps,libs}/**/*.repository.ts');
  const found = files.flatMap((file) => plainStatements(file, readFileSync(file, 'utf8')));

  it('are made by the query builder, but for those that are listed, which are all there', () => {
    expect(files.length).toBeGreaterThan(30);
    expect(found.toSorted()).toEqual(Object.keys(WRITTEN_BY_HAND).toSorted());
  });

  it.each([
    ['select name from carillon.tenant where id = ${id}', ['a: act']],
    ['update carillon.tenant set name = ${name}\n where id = ${id}', ['a: act']],
    ['delete from carillon.tenant where id = any(${ids}::uuid[])', []],
    ['select name from carillon.tenant where id = ${id} for share', []],
    ['select 1', []],
  ])('%s', (statement, expected) => {
    const source = `export async function act(db: Database): Promise<void> {\n  await sql\`${statement}\`.execute(db);\n}\n`;
    expect(plainStatements('a.repository.ts', source)).toEqual(expected);
  });
});
