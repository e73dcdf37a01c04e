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
  /** The ratio to the fastest peer that decides alone whether this passes. */
  readonly minRatio: number | null;
}

const USAGE =
  'npm run bench -- [--quick] [--only PART[,PART…]] [--rounds N] [--runs N] [--json FILE] [--min-ratio R]';

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
      'min-ratio': { type: 'string' },
    },
  });
  const isQuick = values.quick;
  const parts =
    values.only === undefined
      ? isQuick
        ? quick
        : known
      : values.only.split(',').map((asked) => knownPart(asked, known));
  const minRatio = values['min-ratio'];
  if (minRatio !== undefined && !parts.some((name) => name === 'drain'))
    throw new Error(`expected --min-ratio together with the part drain, got ${parts.join(', ')}\n${USAGE}`);
  return {
    parts,
    isQuick,
    rounds: numberOf('--rounds', values.rounds ?? '3', { min: 1, max: 99 }),
    runs: numberOf('--runs', values.runs ?? (isQuick ? '30000' : '100000'), { min: 1_000, max: 10_000_000 }),
    json: values.json ?? null,
    minRatio: minRatio === undefined ? null : numberOf('--min-ratio', minRatio, { min: 0.1, max: 1_000 }),
  };
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
