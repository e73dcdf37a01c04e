// Who worked on what, and from when to when? Each attempt's own account of its spell of work: of the replicas' handlers
// by a file (handlers/spells.ts), of the endpoint, the workers and all others that work in the harness itself, by word.
// All of them read the machine's monotonic clock.
import { existsSync, readFileSync } from 'node:fs';

export interface Spell {
  readonly run: string;
  readonly attempt: number;
  /** 'stray' is a worker that goes silent on purpose. */
  readonly where: 'replica' | 'endpoint' | 'worker' | 'stray';
  readonly fromMs: number;
  /** Null when it never said that it had ended. */
  readonly toMs: number | null;
}

interface SpellLine {
  readonly event: 'begin' | 'end';
  readonly run: string;
  readonly attempt: number;
  readonly pid: number;
  readonly atMs: number;
}

/** Any number of calls of what it returns; the first one counts. */
export type EndSpell = () => void;

export class SpellBook {
  readonly #spells: { -readonly [Key in keyof Spell]: Spell[Key] }[] = [];
  /** What must be added to the monotonic clock to have the wall's. */
  readonly #offsetMs = Date.now() - monotonicMs();
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  begin(spell: Pick<Spell, 'run' | 'attempt' | 'where'>): EndSpell {
    const begun = { ...spell, fromMs: monotonicMs() + this.#offsetMs, toMs: null as number | null };
    this.#spells.push(begun);
    return () => {
      begun.toMs ??= monotonicMs() + this.#offsetMs;
    };
  }

  /** By the wall's clock as it was when this was made, in the order of their beginnings. */
  all(): Spell[] {
    return [...this.#spells, ...this.#noted()].toSorted((a, b) => a.fromMs - b.fromMs);
  }

  #noted(): Spell[] {
    if (!existsSync(this.#file)) return [];
    const lines = readFileSync(this.#file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as SpellLine); // only the handlers write it
    const ends = new Map(
      lines.filter(({ event }) => event === 'end').map((line) => [keyOf(line), line.atMs + this.#offsetMs]),
    );
    return lines
      .filter(({ event }) => event === 'begin')
      .map((line) => ({
        run: line.run,
        attempt: line.attempt,
        where: 'replica',
        fromMs: line.atMs + this.#offsetMs,
        toMs: ends.get(keyOf(line)) ?? null,
      }));
  }
}

function keyOf({ run, attempt, pid }: SpellLine): string {
  return `${run}/${attempt}/${pid}`;
}

function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
