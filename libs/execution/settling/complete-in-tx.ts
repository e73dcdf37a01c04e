// How does a handler's own work commit together with its run's end? In one transaction, in this order: the handler
// writes its rows; only then come the replica gate, the lock on the claim, and the move into the history by
// compare-and-set on the attempt. The handler's part has the search path that the database gives, and may stand idle
// for longer than our part, in which a frozen replica must not keep its gate locked. So gate and claim are held for a
// moment only, however long the handler takes, and claims and hand-overs don't wait for it. A transaction that finds
// its claim gone is rolled back.
//
// If the connection breaks during the commit, the outcome is unknown, and the handler gets an error that says so.
// Every later write about the attempt is a compare-and-set as well. If the commit did happen, the run is gone from
// `run` and nothing more is written; if it did not, the attempt has failed (I2). If the database refuses our part for
// now, the handler is not to blame: the attempt is put off, and counts for nothing.
import type { HandlerTransaction } from '#client/jobs/job-definition.js';
import { ClaimLost, FatalError, snooze } from '#client/jobs/outcomes.js';
import type { DatabaseClock } from '#cluster/membership/database-clock.js';
import type { Incarnation, Membership } from '#cluster/membership/membership.js';
import { passGate } from '#cluster/membership/replica-gate.js';
import { IDLE_IN_TRANSACTION_MS, inTransaction, type Tx } from '#database/connection.js';
import { databaseErrorKind } from '#database/error-kind.js';
import { OWN_PATH } from '#database/decisions/session-settings.js';
import { setAhead, setForNow } from '#database/sessions/transaction-settings.repository.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import { writeProgress, type ProgressNote } from '#execution/reports/progress.repository.js';
import { decideFires, finishRuns, lockClaims } from './settlement.repository.js';
import { LATE_AFTER_MS } from './settlement.js';
import { encodeJson } from '#execution/runs/stored-json.js';

export interface CompleteInTxRequest {
  run: ClaimedRun;
  startedAt: Date;
  /** Nothing is committed once it is aborted. */
  signal: AbortSignal;
  /** The attempt's last progress or details, if they may not have been written yet. */
  lastNote: () => ProgressNote | null;
}

export interface CompleteInTxOptions {
  /** How many such transactions may be open, so that some connections are left for claims. */
  atOnce: number;
  /** The search path for the handlers' own tables. */
  path: string;
  deadAfterMs: number;
}

/** Until a lock, a disk or a primary may be there again. */
const PUT_OFF_SECONDS = 1;

export class CompleteInTx {
  #free: number;
  readonly #queue: (() => void)[] = [];

  constructor(
    private readonly membership: Membership,
    private readonly databaseClock: DatabaseClock,
    private readonly options: CompleteInTxOptions,
  ) {
    this.#free = options.atOnce;
  }

  /** Resolves with the output when both are committed. See JobContext.completeInTx for how it rejects. */
  async complete<Output>(
    request: CompleteInTxRequest,
    work: (trx: HandlerTransaction) => Promise<Output>,
  ): Promise<Output> {
    await this.#enter();
    try {
      request.signal.throwIfAborted();
      const { incarnation } = this.membership;
      if (incarnation === null) throw lost(request.run);
      return await this.#commit(incarnation, request, work);
    } finally {
      this.#leave();
    }
  }

  async #commit<Output>(
    incarnation: Incarnation,
    request: CompleteInTxRequest,
    work: (trx: HandlerTransaction) => Promise<Output>,
  ): Promise<Output> {
    const { db } = incarnation;
    let isHandlersPart = false;
    return inTransaction(db, async (tx) => {
      await setForNow(tx, { path: this.options.path, idleMs: IDLE_IN_TRANSACTION_MS });
      isHandlersPart = true;
      // Without our schema: the search_path finds the handler's tables.
      const output = await work(tx.withoutPlugins() as HandlerTransaction);
      isHandlersPart = false;
      const encoded = encodeJson(output ?? null);
      // A retry would return the same output.
      if (encoded.kind === 'unfit') throw new FatalError(`the output can not be stored: ${encoded.reason}`);
      request.signal.throwIfAborted();
      await setAhead(tx, { path: OWN_PATH, idleMs: this.options.deadAfterMs });
      if (!(await passGate(tx, incarnation))) throw lost(request.run);
      await this.#finish(tx, { incarnation, request, outputJson: encoded.json });
      return output;
    }).catch((error: unknown) => {
      throw isHandlersPart || !mayPass(error) ? error : putOff(error);
    });
  }

  async #finish(
    tx: Tx,
    {
      incarnation,
      request,
      outputJson,
    }: { incarnation: Incarnation; request: CompleteInTxRequest; outputJson: string },
  ): Promise<void> {
    const { run, startedAt } = request;
    const { replica } = incarnation;
    const ours = await lockClaims(tx, { replica, claimIds: [run.claimId] });
    if (!ours.has(run.claimId)) throw lost(run);
    if (run.scheduleId !== null && run.dueAt !== null) {
      const fires = [{ scheduleId: run.scheduleId, dueAt: run.dueAt, startedAt }];
      await decideFires(tx, { fires, lateAfterMs: LATE_AFTER_MS });
    }
    // The last note goes into the history, and must be written now: the finish removes the row.
    const lastNote = request.lastNote();
    if (lastNote !== null) await writeProgress(tx, [lastNote], 'ending');
    const now = this.databaseClock.now();
    const finishedAt = now > startedAt ? now : startedAt;
    const finished = {
      id: run.id,
      outcome: 'succeeded',
      startedAt,
      finishedAt,
      outputJson,
      errorJson: null,
    } as const;
    const missing = await finishRuns(tx, { replica, attempt: run.attempt, runs: [finished] });
    if (missing.length > 0) throw lost(run);
  }

  async #enter(): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#queue.push(resolve));
  }

  #leave(): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}

/** Nothing was written, and a later attempt may succeed. */
function mayPass(error: unknown): boolean {
  const kind = databaseErrorKind(error);
  return kind === 'passing' || kind === 'lost';
}

function putOff(cause: unknown): Error {
  return Object.assign(snooze(PUT_OFF_SECONDS), { cause });
}

function lost({ id, attempt }: ClaimedRun): ClaimLost {
  return new ClaimLost(
    `expected to hold run ${id} in its attempt ${attempt}, but it was given to somebody else`,
  );
}
