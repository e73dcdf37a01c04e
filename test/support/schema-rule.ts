// A rule of the house for schemas: each is built once, as its module is loaded. Building one takes ten to a hundred times
// as long as checking by it, and nothing but the processor's time would tell that each request builds its own.
import ts from 'typescript';
import { isSpec, isUnder, treeOf, type Rule, type Source } from './source-code.js';

const NO_BUILDERS = new Set(['config', 'toJSONSchema', 'treeifyError', 'prettifyError', 'flattenError']);
/** Methods of a schema that make another one. */
const DERIVING = new Set([
  'extend',
  'safeExtend',
  'partial',
  'pick',
  'omit',
  'superRefine',
  'refine',
  'nullish',
]);
/** Functions of our own that make a schema of others. */
const MAKERS = new Set(['fewFields', 'inDigits', 'orNull', 'orNullEach', 'pageOf']);
const CHECKING = new Set(['parse', 'safeParse', 'parseAsync', 'safeParseAsync', 'validate']);
/** They call what they are given as they are called themselves, or once. */
const CALLING_THERE = new Set(['map', 'flatMap', 'lazy']);

const sample = (text: string) => ({ file: 'apps/server/http/sample.ts', text });

export const schemaRule: Rule = {
  name: 'a schema is built once, outside of what runs for a request',
  binds: (file) => isUnder(file, 'apps/server/', 'libs/') && !isSpec(file),
  brokenAt: (source) => linesBuilding(source),
  breaks: [
    'function jobOf(body: unknown) {\n  return z.looseObject({ jobType: name }).safeParse(body).success;\n}',
    'const jobOf = (body: unknown) => z.object({ jobType: name }).parse(body);',
    'function jobOf(body: unknown) {\n  const shape = z.object({});\n  return shape.safeParse(body).data;\n}',
    'class A {\n  list() {\n    return z.string();\n  }\n}',
    'class A {\n  readonly check = (body: unknown) => fits(name.nullish(), body);\n}',
    'class A {\n  list() {\n    return fits(input.extend({ a: name }), this.body);\n  }\n}',
    'class A {\n  list() {\n    return fits(pageOf(run), this.body);\n  }\n}',
    'const shape = z.unknown().superRefine((body) => void fits(z.object({}), body));',
    'const fitting = (name: z.ZodType) => (body: unknown) => fits(z.object({ name }), body);',
  ].map(sample),
  keeps: [
    'const shape = z.object({ name: z.string() }).superRefine((body, context) => context.addIssue(body));',
    'export function pageOf(item: z.ZodType) {\n  return z.object({ items: z.array(item) });\n}',
    'export const span = (from: z.ZodType) => z.object({ from }).partial();',
    'export function each(fields: Fields) {\n  return z.union(fields.map((field) => z.array(field)));\n}',
    'class A {\n  readonly shape = z.object({});\n  @Ok({ schema: z.object({}) })\n  list(@Body({ schema: z.object({}) }) body: Body) {\n    return shape.parse(body);\n  }\n}',
    'const tree = z.lazy(() => z.array(tree));',
    'class A {\n  list() {\n    return z.toJSONSchema(shape);\n  }\n}',
  ].map(sample),
};

/** Where code runs: as its module is loaded, in a function that makes schemas for modules, or for a request. */
type Place = 'module' | 'maker' | 'request';

function linesBuilding(source: Source): number[] {
  const tree = treeOf(source);
  const lines: number[] = [];
  const visit = (node: ts.Node, place: Place, above: ts.Node): void => {
    if (place === 'request' && isBuilt(node))
      lines.push(tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1);
    const inside = ts.isFunctionLike(node) ? placeIn(node, place, above) : place;
    ts.forEachChild(node, (child) => visit(child, inDecorator(child, node) ? place : inside, node));
  };
  visit(tree, 'module', tree);
  return lines;
}

/** A parameter's decorator is run as the class is made, too. */
function inDecorator(child: ts.Node, node: ts.Node): boolean {
  if (!ts.isFunctionLike(node)) return false;
  return (
    ts.isDecorator(child) || (ts.isParameter(child) && ts.canHaveDecorators(child) && hasDecorator(child))
  );
}

function hasDecorator(node: ts.ParameterDeclaration): boolean {
  return (ts.getDecorators(node) ?? []).length > 0;
}

function placeIn(made: ts.Node, place: Place, above: ts.Node): Place {
  if (isCalledThere(above)) return place;
  const isOfModule =
    place === 'module' && (ts.isFunctionDeclaration(made) || ts.isVariableDeclaration(above));
  return isOfModule && !checks(made) ? 'maker' : 'request';
}

function isCalledThere(above: ts.Node): boolean {
  if (!ts.isCallExpression(above) || !ts.isPropertyAccessExpression(above.expression)) return false;
  return CALLING_THERE.has(above.expression.name.text);
}

/** `z.object(…)`, `pageOf(run)`, or `input.partial()`. */
function isBuilt(node: ts.Node): boolean {
  if (!ts.isCallExpression(node)) return false;
  if (ts.isIdentifier(node.expression)) return MAKERS.has(node.expression.text);
  if (!ts.isPropertyAccessExpression(node.expression)) return false;
  const { expression, name } = node.expression;
  if (ts.isIdentifier(expression) && expression.text === 'z') return !NO_BUILDERS.has(name.text);
  return DERIVING.has(name.text);
}

function checks(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node) && CHECKING.has(node.name.text)) return true;
  return ts.forEachChild(node, (child) => checks(child) || undefined) ?? false;
}
