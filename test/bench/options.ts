// What was asked for on the command line?
import { parseArgs } from 'node:util';

export interface BenchOptions<Name extends string> {
  readonly parts: readonly Name[];
  readonly isQuick: boolean;
  readonly rounds: number;
  /** Queued no-ops that are drained. */
  readonly runs: number;
  /** Where to write the figures. */
  readonly json: string | null;
  /** Where there are any, they alone decide whether this passes. */
  readonly bounds: readonly Bound[];
}

export interface Bound {
  readonly kind: 'min' | 'max';
  /** The name of a figure. */
  readonly figure: string;
  readonly value: number;
}

const USAGE =
  'npm run bench -- [--quick] [--only PART[,PART…]] [--rounds N] [--runs N] [--json FILE] [--min FIGURE=R] [--max FIGURE=R]';

/** `known` are all parts; `quick` those that are run by --quick alone. Throws with what was expected and the usage. */
export function parseBenchOptions<Name extends string>(
  args: readonly string[],
  { known, quick }: { known: readonly Name[]; quick: readonly Name[] },
): BenchOptions<Name> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      rounds: { type: 'string' },
      runs: { type: 'string' },
      json: { type: 'string' },
      min: { type: 'string', multiple: true, default: [] },
      max: { type: 'string', multiple: true, default: [] },
    },
  });
  const isQuick = values.quick;
  const parts =
    values.only === undefined
      ? isQuick
        ? quick
        : known
      : values.only.split(',').map((asked) => knownPart(asked, known));
  return {
    parts,
    isQuick,
    rounds: numberOf('--rounds', values.rounds ?? '3', { min: 1, max: 99 }),
    runs: numberOf('--runs', values.runs ?? (isQuick ? '30000' : '100000'), { min: 1_000, max: 10_000_000 }),
    json: values.json ?? null,
    bounds: [
      ...values.min.map((text) => boundOf('min', text)),
      ...values.max.map((text) => boundOf('max', text)),
    ],
  };
}

function boundOf(kind: Bound['kind'], text: string): Bound {
  const [figure = '', value = ''] = text.split('=');
  return { kind, figure, value: numberOf(`--${kind} ${figure}=`, value, { min: 0.01, max: 1_000_000 }) };
}

function knownPart<Name extends string>(asked: string, known: readonly Name[]): Name {
  const name = known.find((each) => each === asked);
  if (name === undefined)
    throw new Error(
      `expected --only to name parts of ${known.join(', ')}, got ${JSON.stringify(asked)}\n${USAGE}`,
    );
  return name;
}

function numberOf(name: string, text: string, { min, max }: { min: number; max: number }): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= min && value <= max))
    throw new Error(`expected ${name} from ${min} to ${max}, got ${JSON.stringify(text)}\n${USAGE}`);
  return value;
}
