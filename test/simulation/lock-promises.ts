// Are the promises of docs/LOCKS.md kept? Each commit that acquires is judged by the holds that are there then, by the
// line as it was, and by what executes; each commit that ends an attempt, by what that attempt still holds. An attempt of
// a replica that is dead in the database counts no more: it can't know yet, and a resource that checks tokens refuses it.
import type { NeededLock } from '#execution/limits/decisions/lane-rules.js';
import type { Limited } from './limits.js';
import { isLive, type HoldRow, type ModelDatabase } from './model-database.js';
import type { Act, Transaction } from './transaction.js';
import type { World } from './world.js';

type Acquired = Act & { kind: 'lock-acquired' };

/** An attempt that executes somewhere. */
export interface Locking {
  runId: string;
  attempt: number;
  replica: number;
  run: Limited & { schedule: string | null };
  tokens: Readonly<Record<string, number>>;
}

export class LockPromises {
  acquired = 0;
  /** By lock: the greatest token that was ever committed. */
  readonly #tokens = new Map<string, number>();
  /** Set by who knows what executes. */
  executing: () => readonly Locking[] = () => [];

  constructor(
    private readonly world: World,
    private readonly db: ModelDatabase,
  ) {}

  judgeAcquired(act: Acquired, tx: Transaction): void {
    this.acquired += 1;
    const lock = `${act.tenantId}/${act.name}`;
    const last = this.#tokens.get(lock) ?? 0;
    if (act.token <= last)
      this.world.violate('tokens of a lock grow', `${lock} is held with ${act.token}, and was with ${last}`);
    this.#tokens.set(lock, Math.max(last, act.token));
    this.#judgeHolds(act, tx);
    if (act.before !== null)
      this.world.violate(
        'who came first is served first',
        `${act.holder} acquires ${lock} before ${act.before}`,
      );
    for (const { runId, attempt, run } of this.executing()) {
      if (run.tenantId !== act.tenantId || act.holder === holderOf(runId, attempt)) continue;
      const need = this.#needsOf(run).find(({ name }) => name === act.name);
      if (need === undefined || (need.mode === act.mode && act.mode !== 'exclusive')) continue;
      const story = `${act.holder} acquires ${lock} (${act.mode}) while attempt ${attempt} of ${runId} executes with it (${need.mode})`;
      this.world.violate('no lock passes under an attempt', story);
    }
  }

  /** An attempt of the run is over, as far as the transaction says. */
  judgeEnded(run: string, tx: Transaction): void {
    const row = this.db.run.get(run, tx);
    const kept = this.db.lockHold
      .rows(tx)
      .find((hold) => hold.run === run && (row === null || hold.holder !== holderOf(run, row.attempt)));
    if (kept === undefined) return;
    const story = `an attempt of ${run} is over, but ${kept.holder} holds ${kept.name} with ${kept.token}`;
    this.world.violate('locks end with their attempt', story);
  }

  /** Called when a handler starts. */
  judgeStart({ runId, attempt, replica, run, tokens }: Locking): void {
    const needs = this.#needsOf(run);
    if (needs.length === 0 || !isLive(this.db.replica.get(replica))) return;
    const missing = needs.find(({ name }) => {
      const hold = this.db.lockHold.get(holdKey(run.tenantId, name, tokens[name] ?? 0));
      return hold?.holder !== holderOf(runId, attempt);
    });
    if (missing === undefined) return;
    const story = `attempt ${attempt} of ${runId} starts, and does not hold ${missing.name} with ${tokens[missing.name]}`;
    this.world.violate('an attempt runs with its locks', story);
  }

  #judgeHolds({ tenantId, name }: Acquired, tx: Transaction): void {
    const holds = this.db.lockHold
      .rows(tx)
      .filter((hold) => hold.tenantId === tenantId && hold.name === name);
    const shown = (): string =>
      holds.map(({ holder, mode, token }) => `${holder} (${mode}, ${token})`).join(', ');
    const modes = new Set(holds.map(({ mode }) => mode));
    if (holds.length > 1 && (modes.size > 1 || modes.has('exclusive')))
      this.world.violate('holds exclude each other', `${name} is held by ${shown()}`);
    const taken = holds.reduce((sum, hold) => sum + (hold.mode === 'permits' ? hold.permits : 0), 0);
    const permits = this.db.semaphore.get(`${tenantId}/${name}`)?.permits ?? 0;
    if (taken > permits)
      this.world.violate('no more permits are held than there are', `${taken} of ${permits}: ${shown()}`);
  }

  #needsOf({ tenantId, jobType, schedule }: Locking['run']): readonly NeededLock[] {
    if (this.db.tenant.get(tenantId) === null) return [];
    const ofSchedule = schedule === null ? undefined : this.db.schedule.get(schedule)?.locks;
    return [...(this.db.jobType.get(jobType)?.locks ?? []), ...(ofSchedule ?? [])];
  }
}

export function holderOf(run: string, attempt: number): string {
  return `run ${run}/${attempt}`;
}

export function holdKey(tenantId: string, name: string, token: number): string {
  return `${tenantId}/${name}/${token}`;
}

/** Of a run that no longer is at this attempt; null when there is none. */
export function forgottenHold(db: ModelDatabase): HoldRow | null {
  const isForgotten = ({ run, holder }: HoldRow): boolean => {
    const row = run === null ? null : db.run.get(run);
    return run !== null && (row === null || holder !== holderOf(run, row.attempt));
  };
  return db.lockHold.rows().find(isForgotten) ?? null;
}
