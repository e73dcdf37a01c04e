// Schedules in files, YAML or JSON: each is what `PUT …/schedules/{name}` takes, with its name. A file has one, a list of
// them, or several YAML documents. What `schedules get -o json` prints can be put there, too: what only answers have is
// left out.
import { wireSchedule } from '#client/jobs/job-schedules.js';
import { checkSchedules } from '#client/options/schedules-check.js';
import { CliError } from '../../cli-error.js';
import { EXIT } from '../../exit-codes.js';
import type { World } from '../../world.js';
import { readText } from '../json-input.js';

export type Content = Record<string, unknown> & { name: string; jobType: string };

/** One schedule of a file. */
export interface Entry {
  /** For people: the file, and which of its schedules. */
  readonly place: string;
  /** As the API takes it. */
  readonly content: Content;
}

/** More than a thousand schedules of the greatest kind have. */
const VALUES_MAX = 200_000;
/** More than the API takes in a payload. */
const NESTING_MAX = 200;

/** Of an answer, and no part of what a schedule says. */
const ANSWERED = new Set([
  'id',
  'state',
  'pausedAt',
  'pausedUntil',
  'pauseReason',
  'text',
  'consecutiveFailures',
  'nextDueAt',
  'waitsFor',
  'source',
  'removedFromCodeAt',
  'createdAt',
  'updatedAt',
  'revision',
]);

/** Throws CliError for the first that can't be right, and for a name that comes twice. */
export async function readEntries(world: World, files: readonly string[]): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const file of files) entries.push(...(await entriesOf(world, file)));
  const byName = Map.groupBy(entries, ({ content }) => content.name);
  for (const [name, places] of byName)
    if (places.length > 1)
      throw new CliError(
        `expected one schedule ${name}, got ${places.length}: ${places.map(({ place }) => place).join(' and ')}`,
        EXIT.usage,
      );
  return inOrder(entries);
}

/** One that follows another of the files comes behind it, since the API refuses it as long as that one is not there. */
function inOrder(entries: readonly Entry[]): Entry[] {
  const ordered = new Set<Entry>();
  const add = (entry: Entry, path: readonly Entry[]): void => {
    const first = entries.find(({ content: { name } }) => name === followedBy(entry));
    // A circle can't be ordered, and is refused by the API.
    if (first !== undefined && !path.includes(first)) add(first, [...path, entry]);
    ordered.add(entry);
  };
  for (const entry of entries) add(entry, []);
  return [...ordered];
}

/** The name of the schedule after whose successes it is due. */
export function followedBy({ content: { spec } }: Entry): unknown {
  return (spec as { afterSuccessOf?: unknown }).afterSuccessOf; // it has been checked
}

async function entriesOf(world: World, file: string): Promise<Entry[]> {
  const text = await readText(world, '--file', file);
  const shown = file === '-' ? 'stdin' : file;
  const { loadAll, JSON_SCHEMA } = await import('js-yaml'); // JSON is YAML, and no other command needs it
  let documents: unknown[];
  try {
    documents = loadAll(text, { schema: JSON_SCHEMA });
  } catch (error) {
    throw new CliError(`${shown}: expected YAML or JSON, got: ${(error as Error).message}`, EXIT.usage);
  }
  if (!isSmall(documents))
    throw new CliError(
      `${shown}: expected at most ${VALUES_MAX} values, with those of each alias counted, and none within itself`,
      EXIT.usage,
    );
  // A document of comments alone has nothing.
  const given = documents.flat().filter((each) => each !== null && each !== undefined);
  if (given.length === 0) throw new CliError(`${shown}: expected one schedule or more, got none`, EXIT.usage);
  return given.map((each, index) => entryOf(`${shown}, schedule ${index + 1}`, each));
}

/** Some lines with aliases of aliases are millions of values. */
function isSmall(given: unknown): boolean {
  let count = 0;
  const walk = (value: unknown, depth: number): boolean => {
    count += 1;
    if (count > VALUES_MAX || depth > NESTING_MAX) return false;
    if (typeof value !== 'object' || value === null) return true;
    return Object.values(value).every((each) => walk(each, depth + 1));
  };
  return walk(given, 0);
}

function entryOf(place: string, given: unknown): Entry {
  if (typeof given !== 'object' || given === null)
    throw new CliError(
      `${place}: expected an object with name, spec and jobType, got ${JSON.stringify(given)}`,
      EXIT.usage,
    );
  const fields = Object.entries(given).filter(([field]) => !ANSWERED.has(field));
  const { jobType, spec, ...content } = Object.fromEntries(fields) as Record<string, unknown>;
  if (typeof jobType !== 'string' || jobType === '')
    throw new CliError(
      `${place}: expected jobType to be the name of a job type, got ${JSON.stringify(jobType)}`,
      EXIT.usage,
    );
  if (typeof spec !== 'object' || spec === null || Array.isArray(spec))
    throw new CliError(
      `${place}: expected spec to be an object such as { cron: "30 2 * * *" }, got ${JSON.stringify(spec)}`,
      EXIT.usage,
    );
  if (Object.hasOwn(content, 'tenants'))
    throw new CliError(`${place}: expected no field tenants, since --tenant says whose it is`, EXIT.usage);
  const said = withoutNulls({ ...content, ...spec });
  try {
    checkSchedules(jobType, [said]);
  } catch (error) {
    throw new CliError(`${place}: ${(error as Error).message}`, EXIT.usage);
  }
  const checked = said as unknown as Parameters<typeof wireSchedule>[0]; // it has been checked
  return { place, content: { ...wireSchedule(checked), name: checked.name, jobType } };
}

/** Null stands for the default, as a missing field does. */
function withoutNulls(given: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
}
