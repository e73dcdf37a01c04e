// The texts whose meanings the simulation knows, one file for each meaning: statements/golden/<name>.sql. They are what
// a review sees of a statement that has changed, and they are the only record of it: a text that is not there, to the
// letter and the line, has no meaning. UPDATE_GOLDEN=1 writes down what a simulation has sent.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const FOLDER = join(import.meta.dirname, 'statements/golden');
const BETWEEN = ';\n\n';
const END = ';\n';
const WIDTH_MAX = 120;
/** How the query builder names our schema, and only it does. */
const BUILT = '"carillon".';

/** Texts that were sent while golden texts are written, by the name of their meaning. */
const sent = new Map<string, Set<string>>();

export const isUpdatingGolden = process.env['UPDATE_GOLDEN'] !== undefined;

export function goldenTexts(): Map<string, readonly string[]> {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.sql'));
  return new Map(
    files.map((file) => [
      basename(file, '.sql'),
      readFileSync(join(FOLDER, file), 'utf8').slice(0, -END.length).split(BETWEEN),
    ]),
  );
}

export function noteSent(name: string, text: string): void {
  const texts = sent.get(name) ?? new Set();
  sent.set(name, texts.add(layOut(text)));
}

/**
 * A rare text that was not sent this time stays, unless its meaning has got a text that was not known before: it may
 * have replaced any of the old ones.
 */
export function writeGoldenTexts(names: readonly string[]): void {
  const known = goldenTexts();
  for (const [name, texts] of sent) {
    const before = known.get(name) ?? [];
    const isChanged = [...texts].some((text) => !before.includes(text));
    const all = isChanged ? texts : new Set([...before, ...texts]);
    writeFileSync(join(FOLDER, `${name}.sql`), [...all].toSorted().join(BETWEEN) + END);
  }
  for (const name of known.keys()) if (!names.includes(name)) rmSync(join(FOLDER, `${name}.sql`));
}

/**
 * As the repository has laid the statement out, from the margin on; what the query builder writes has one clause a
 * line, and what would be too long to be compared by eye goes on below.
 */
export function layOut(text: string): string {
  if (text.includes(BUILT)) return builtLayout(text);
  const [first = '', ...others] = text
    .trim()
    .split('\n')
    .map((line) => line.trimEnd());
  if (others.length === 0) return builtLayout(first);
  const margin = Math.min(...others.filter((line) => line !== '').map(indentOf));
  // The first line stands behind what opens the template, or at the margin of the others.
  const own = /^\n( *)\S/.exec(text)?.[1]?.length ?? margin;
  const least = Math.min(own, margin);
  return [first, ...others.map((line) => line.slice(least))].map(folded).join('\n');
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

/** Goes on below behind a comma, or before an `and`. */
function folded(line: string): string {
  const below = ' '.repeat(indentOf(line) + 2);
  const lines: string[] = [];
  let rest = line;
  while (rest.length > WIDTH_MAX) {
    const place = Math.max(rest.lastIndexOf(', ', WIDTH_MAX - 1) + 1, rest.lastIndexOf(' and ', WIDTH_MAX));
    if (place <= below.length) break;
    lines.push(rest.slice(0, place));
    rest = below + rest.slice(place).trimStart();
  }
  return [...lines, rest].join('\n');
}

const CLAUSE =
  /(?<!^delete) (?=(?:from|set|where|group by|order by|limit|offset|for (?:no key )?update|for (?:key )?share|values|on conflict|returning|union)(?: |$))/g;

function builtLayout(text: string): string {
  return clausesOf(text.replaceAll(/\s+/g, ' ').trim()).split('\n').map(folded).join('\n');
}

/** Breaks a text of one line before each clause that is in no parentheses. */
function clausesOf(line: string): string {
  let depth = 0;
  const depths = line
    .split('')
    .map((character) => (depth += character === '(' ? 1 : character === ')' ? -1 : 0));
  return line.replaceAll(CLAUSE, (space, place: number) => (depths[place] === 0 ? '\n' : space));
}
