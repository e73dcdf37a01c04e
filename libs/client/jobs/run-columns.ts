// Many runs as columns: the statement that creates them, with an array for each option that any of them has. The database
// then looks up and checks once what holds for all, and inserts at once (migrations/0042).
import { jsonArrayText } from '#kernel/json/json-array-text.js';
import { storedKeyOf } from '#kernel/keys/key-overlap.js';
import type { RunOptions } from './enqueue-options.js';

/** Debounced runs are made or moved one by one. */
type ColumnRun = Omit<RunOptions, 'debounce'> & { readonly payload: unknown };

interface Column {
  readonly name: string;
  readonly value: (run: ColumnRun) => unknown;
  /** How the parameter becomes the column. */
  readonly read: (parameter: string) => string;
  readonly write: (values: unknown[]) => unknown;
}

const ID_LENGTH = 36;
/** Of JSON.stringify, which escapes no character of a whole pair. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*(\\u(?:0000|d[89a-f]..))/;

const asIs = (values: unknown[]): unknown => values;
const typed =
  (type: string) =>
  (parameter: string): string =>
    `${parameter}::${type}[]`;

const COLUMNS: readonly Column[] = [
  { name: 'run_ats', value: (run) => run.runAt, read: typed('timestamptz'), write: jsonArrayText },
  { name: 'queues', value: (run) => run.queue, read: typed('text'), write: asIs },
  { name: 'priorities', value: (run) => run.priority, read: typed('integer'), write: asIs },
  { name: 'unique_keys', value: (run) => run.unique?.key, read: typed('text'), write: asIs },
  {
    name: 'unique_windows',
    value: (run) => run.unique?.windowSeconds,
    read: (parameter) =>
      `array(select make_interval(secs => w.seconds) from unnest(${parameter}::float8[]) with ordinality as w (seconds, n) order by w.n)`,
    write: asIs,
  },
  { name: 'on_conflicts', value: (run) => run.unique?.onConflict, read: typed('text'), write: asIs },
  { name: 'tags', value: (run) => run.tags, read: (parameter) => `${parameter}::jsonb`, write: jsonOf },
  { name: 'concurrency_keys', value: keyOf, read: typed('text'), write: asIs },
  { name: 'deadlines', value: (run) => run.deadline, read: typed('timestamptz'), write: jsonArrayText },
];

export interface ColumnStatement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Answers with one row, whose `ids` are read by readIds(). Throws a TypeError for a payload that jsonb can't hold. */
export function columnStatement(
  { tenant, jobType }: { tenant: string; jobType: string },
  runs: readonly ColumnRun[],
): ColumnStatement {
  const values: unknown[] = [tenant, jobType, jsonArrayText(payloadsOf(runs))];
  let columns = '';
  for (const { name, value, read, write } of COLUMNS) {
    if (!runs.some((run) => (value(run) ?? null) !== null)) continue;
    values.push(write(runs.map((run) => value(run) ?? null)));
    columns += `, ${name} => ${read(`$${values.length}`)}`;
  }
  // An array of ids would be read character by character.
  const text = `select array_to_string(carillon.enqueue_many($1::text, $2::text, $3::jsonb[]${columns}), '') as ids`;
  return { text, values };
}

export function readIds(joined: string): string[] {
  return Array.from({ length: joined.length / ID_LENGTH }, (_, index) =>
    joined.slice(index * ID_LENGTH, (index + 1) * ID_LENGTH),
  );
}

/** The database would refuse them all without saying which. */
function payloadsOf(runs: readonly ColumnRun[]): string[] {
  return runs.map(({ payload }, index) => {
    const text = textOf(payload) ?? '{}';
    const [, found] = UNSTORABLE.exec(text) ?? [];
    if (found !== undefined)
      throw new TypeError(
        `expected /${index}/payload to have only texts without NUL characters or lone surrogates, got ${found}`,
      );
    return text;
  });
}

function jsonOf(values: unknown[]): string {
  return JSON.stringify(values);
}

/** What has no JSON counts as left out. */
function textOf(payload: unknown): string | undefined {
  return JSON.stringify(payload);
}

/** A mode that says nothing is written, too, so that the job type's defaults do not apply. */
function keyOf({ concurrencyKey: key, overlap, order }: ColumnRun): string | undefined {
  if (key === undefined || (overlap === undefined && order === undefined)) return key;
  const stored = storedKeyOf(key, overlap, order);
  return stored === key ? `overlap/allow/${key}` : stored;
}
