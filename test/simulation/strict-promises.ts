// Are the promises of docs/JOBS.md, "In strict order", kept? What goes before the others of its key is told here by what
// became of attempts, not by the rows that the product reads. Each claim is judged as it commits, and each start: by what
// goes before, by what has begun and has no end yet, and by what was there and came before it.
import { byRank, isLive, type ModelDatabase, type RunRow } from './model-database.js';
import { blockKeyOf } from './strict-keys.js';
import type { Act, Transaction } from './transaction.js';
import type { World } from './world.js';

/** These block their key until a person deals with them. */
const FAILED: readonly string[] = ['failed', 'dead-lettered'];

export class StrictPromises {
  /** In most worlds no key has a strict order. */
  isPlayed = false;
  /** How many times a run began to block its key. */
  blocks = 0;
  /** By key: the runs that are to be tried again, and those that have failed for good and were not given up. */
  readonly #before = new Map<string, Set<string>>();
  /** By run: its attempt that began last in a replica that lived. */
  readonly #begun = new Map<string, number>();
  /** By run: since when it waits, if no attempt of it has ended since. */
  readonly #thereSinceMs = new Map<string, number>();

  constructor(
    private readonly world: World,
    private readonly db: ModelDatabase,
  ) {}

  /** Called as the transaction commits. */
  judge(tx: Transaction): void {
    if (this.isPlayed) for (const act of tx.acts) this.#judge(act, tx);
  }

  /** Called when a handler starts. A run that was due when it was claimed may not overtake what was there by then. */
  judgeStart(run: RunRow, { attempt, replica, dueAtMs }: Started): void {
    const key = blockKeyOf(run);
    if (key === null || !isLive(this.db.replica.get(replica))) return;
    this.#judgeNext(run, key, 'starts');
    this.#begun.set(run.id, attempt);
    if (dueAtMs === undefined || this.#before.get(key)?.has(run.id) === true) return;
    const first = this.#othersOf(run).find(
      (other) =>
        other.queue === run.queue &&
        other.runAtMs <= run.runAtMs &&
        (this.#thereSinceMs.get(other.id) ?? Infinity) <= dueAtMs &&
        byRank(other, run) < 0,
    );
    if (first === undefined) return;
    this.world.violate('runs of a strict key go in their order', `${run.id} starts before ${first.id}`);
  }

  #judge(act: Act, tx: Transaction): void {
    const { kind } = act;
    if (kind === 'queued' || kind === 'brought-back') this.#thereSinceMs.set(act.run, this.world.nowMs);
    else if (kind === 'claim') act.runs.forEach(({ id }) => this.#judgeClaimed(id));
    else if (kind === 'outcome')
      this.#noteEnd(act.run, tx, act.outcome === 'lost' && this.#begun.get(act.run) !== act.attempt);
    else if (kind === 'dead-letter' || kind === 'ended-unheld' || kind === 'put-off')
      this.#noteEnd(act.run, tx, false);
    else if (kind === 'unblocked' && this.db.run.get(act.run, tx) === null)
      for (const runs of this.#before.values()) runs.delete(act.run);
  }

  #judgeClaimed(id: string): void {
    const run = this.db.run.get(id);
    const key = run === null ? null : blockKeyOf(run);
    if (run !== null && key !== null) this.#judgeNext(run, key, 'is claimed');
  }

  /** What has not begun, and is lost with its replica, is as if it had not been claimed. */
  #noteEnd(id: string, tx: Transaction, isUnbegun: boolean): void {
    const row = this.db.run.get(id);
    const key = row === null ? null : blockKeyOf(row);
    if (key === null || isUnbegun) return;
    const before = this.#before.get(key) ?? new Set();
    this.#before.set(key, before);
    const ended = this.db.history.get(id, tx);
    if (ended !== null && !FAILED.includes(ended.outcome)) return void before.delete(id);
    if (!before.has(id)) this.blocks += 1;
    before.add(id);
  }

  #judgeNext(run: RunRow, key: string, does: string): void {
    for (const other of this.#before.get(key) ?? []) {
      if (other === run.id) continue;
      const story = `${run.id} ${does}, but ${other} is to be tried again, or has failed and was not given up`;
      this.world.violate('what blocks a strict key goes first', story);
    }
    const running = this.#othersOf(run).find(({ id, attempt }) => this.#begun.get(id) === attempt);
    if (running === undefined) return;
    const story = `${run.id} ${does} before the end of attempt ${running.attempt} of ${running.id} is written`;
    this.world.violate('runs of a strict key go one by one', story);
  }

  #othersOf(run: RunRow): RunRow[] {
    return this.db.run.rows().filter((other) => other.id !== run.id && blockKeyOf(other) === blockKeyOf(run));
  }
}

interface Started {
  attempt: number;
  replica: number;
  /** When it was due, by the clock of its claim. */
  dueAtMs: number | undefined;
}

/** Of a run that is over and has not failed. */
export function forgottenBlock(db: ModelDatabase): string | null {
  const isForgotten = ({ run }: { run: string }): boolean =>
    db.run.get(run) === null && !FAILED.includes(db.history.get(run)?.outcome ?? '');
  return db.keyBlock.rows().find(isForgotten)?.run ?? null;
}

/** The runs whose keys are blocked until a person deals with them. */
export function failedBlockers(db: ModelDatabase): string[] {
  return db.keyBlock
    .rows()
    .flatMap(({ run }) => (FAILED.includes(db.history.get(run)?.outcome ?? '') ? [run] : []));
}
