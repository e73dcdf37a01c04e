// Where in a source file does the code do a certain thing? The syntax tree is asked, not the text, so that a comment
// may name what the code must not do. The rules of tidiness (test/tidy.spec.ts) are made of these questions.
import ts from 'typescript';

export interface Source {
  readonly file: string;
  readonly text: string;
}

export interface Rule {
  readonly name: string;
  /** Which files must keep it. */
  readonly binds: (file: string) => boolean;
  /** The lines, counted from 1, that break it. */
  readonly brokenAt: (source: Source) => number[];
  readonly breaks: Source[];
  readonly keeps: Source[];
}

export const isSpec = (file: string): boolean => file.endsWith('.spec.ts');
export const isUnder = (file: string, ...places: string[]): boolean =>
  places.some((place) => file.startsWith(place));

export function linesWhere(text: string, isBroken: (line: string) => boolean): number[] {
  return text.split('\n').flatMap((line, index) => (isBroken(line) ? [index + 1] : []));
}

/** Looks at code, not at text, so that a comment may speak of what the code must not do. */
export function nodesWhere(isBroken: (node: ts.Node) => boolean): (source: Source) => number[] {
  return (source) => {
    const tree = treeOf(source);
    const lines: number[] = [];
    const visit = (node: ts.Node): void => {
      if (isBroken(node)) lines.push(tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1);
      ts.forEachChild(node, visit);
    };
    visit(tree);
    return lines;
  };
}

/** Each file is parsed once, for all the rules that look at code. */
const trees = new WeakMap<Source, ts.SourceFile>();

export function treeOf(source: Source): ts.SourceFile {
  const tree = trees.get(source) ?? ts.createSourceFile(source.file, source.text, ts.ScriptTarget.ES2023);
  trees.set(source, tree);
  return tree;
}

export function isDateOfNow(node: ts.Node): boolean {
  if (!ts.isNewExpression(node) && !ts.isCallExpression(node)) return false;
  const isDate = ts.isIdentifier(node.expression) && node.expression.text === 'Date';
  return isDate && (node.arguments?.length ?? 0) === 0;
}

export function isMember(...members: string[]): (node: ts.Node) => boolean {
  return (node) =>
    ts.isPropertyAccessExpression(node) &&
    ts.isIdentifier(node.expression) &&
    members.includes(`${node.expression.text}.${node.name.text}`);
}

/** `(value as Record<string, unknown>)[name]` finds what every object inherits, too. */
export function isLookInAnything(node: ts.Node): boolean {
  if (!ts.isElementAccessExpression(node) || ts.isStringLiteralLike(node.argumentExpression)) return false;
  const { expression } = node;
  const asserted = ts.isParenthesizedExpression(expression) ? expression.expression : expression;
  if (!ts.isAsExpression(asserted) || !ts.isTypeReferenceNode(asserted.type)) return false;
  return ts.isIdentifier(asserted.type.typeName) && asserted.type.typeName.text === 'Record';
}

/** The global by any object that it is reached by, and its namesake in node:timers under any name. */
export function isTimer(node: ts.Node): boolean {
  const isName = (name: ts.Node): boolean =>
    ts.isIdentifier(name) && /^set(Timeout|Interval)$/.test(name.text);
  if (ts.isImportSpecifier(node)) return isName(node.propertyName ?? node.name);
  if (ts.isPropertyAccessExpression(node)) return isName(node.name);
  return ts.isCallExpression(node) && isName(node.expression);
}

export function citesInvariantAbove(last: number): (node: ts.Node) => boolean {
  return (node) => {
    const [title] = ts.isCallExpression(node) && isTestFunction(node.expression) ? node.arguments : [];
    if (title === undefined) return false;
    const cited = [...textOf(title).matchAll(/\bI(\d+)\b/g)].map(([, number]) => Number(number));
    return cited.some((number) => number < 1 || number > last);
  };
}

/** `it`, and all that is built on it: `it.skip`, `it.each(rows)`, `describe.skipIf(when).each(rows)`. */
function isTestFunction(node: ts.Expression): boolean {
  if (ts.isIdentifier(node)) return ['it', 'test', 'describe'].includes(node.text);
  return (
    (ts.isPropertyAccessExpression(node) || ts.isCallExpression(node)) && isTestFunction(node.expression)
  );
}

function textOf(title: ts.Expression): string {
  if (ts.isStringLiteralLike(title)) return title.text;
  if (!ts.isTemplateExpression(title)) return '';
  return [title.head.text, ...title.templateSpans.map((span) => span.literal.text)].join(' ');
}
