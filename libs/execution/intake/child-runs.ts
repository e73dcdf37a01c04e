// How does a handler start more work? With a new run of the same tenant, which is independent from then on. It is
// written apart from the attempt. So an attempt that fails afterwards or is lost has started it all the same, and its
// repetition starts it again, unless a unique key says that it is the same run.
import type { HintsLoop } from '#cluster/hints/hints-loop.js';
import type { Membership } from '#cluster/membership/membership.js';
import type { RunOptions } from '#client/jobs/enqueue-options.js';
import type { JobContext } from '#client/jobs/job-definition.js';
import { parsePayload } from '#client/jobs/payload-check.js';
import { checkKeyOptions } from '#client/options/key-options-check.js';
import { expectRunOptions } from '#client/options/run-values.js';
import type { Database } from '#database/connection.js';
import type { Clock } from '#kernel/clock.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import { enqueueRuns } from './enqueue.js';
import type { JobType } from '#execution/job-types/job-type.js';
import { findJobType } from '#execution/job-types/job-type.repository.js';
import { whyKeyUnfit, withKeyDefaults } from './key-defaults.js';
import { RunQuota } from './run-quota.js';
import { encodeJson } from '#execution/runs/stored-json.js';
import { enqueueOf } from './wanted-run.js';

export class ChildRuns {
  readonly #quota: RunQuota;

  constructor(
    private readonly membership: Membership,
    private readonly hints: HintsLoop,
    private readonly clock: Clock,
  ) {
    this.#quota = new RunQuota(clock);
  }

  /** `enqueue` for the handler of this run. */
  enqueueFrom(parent: ClaimedRun): JobContext['enqueue'] {
    return async (definition, payload, options = {}) => {
      await parsePayload(definition, payload);
      const encoded = encodeJson(payload);
      if (encoded.kind === 'unfit') throw new TypeError(`payload: ${encoded.reason}`);
      expectRunOptions(options);
      checkKeyOptions(options);
      checkPriority(options.priority);
      requireFuture(options, this.clock.now());
      const { incarnation } = this.membership;
      if (incarnation === null)
        throw new Error('expected this replica to be a member of the cluster, got one that is cut off');
      const { db } = incarnation;
      const jobType = await requireJobType(db, parent, definition.name);
      const unfit = whyKeyUnfit(options, jobType);
      if (unfit !== null) throw new TypeError(`concurrencyKey: ${unfit}`);
      const owner = { id: parent.tenantId, slot: parent.slot };
      const wanted = withKeyDefaults({ ...options, jobType: definition.name, payload }, jobType);
      const child = enqueueOf(owner, wanted);
      const { room } = await this.#quota.roomFor(db, { tenantId: parent.tenantId, wanted: 1 });
      const [result = { kind: 'over-quota' as const }] = await enqueueRuns(db, [child], { room });
      if (result.kind === 'over-quota')
        throw new Error('expected the tenant to have fewer runs than its limit, got as many');
      if (result.kind === 'key-taken' || result.kind === 'not-replaceable')
        throw new Error(
          `expected unique key ${child.unique?.key} to be free, got one that run ${result.id} holds`,
        );
      if (result.kind === 'created') this.hints.send({ kind: 'work', slots: [parent.slot] });
      return result.id;
    };
  }
}

/** As the API and `carillon.enqueue()` do: a run that can only expire is a mistake of its maker's. */
function requireFuture({ deadline, runAt }: RunOptions, now: Date): void {
  const from = runAt !== undefined && runAt > now ? runAt : now;
  if (deadline === undefined || deadline > from) return;
  const after = from === now ? 'now' : 'runAt';
  throw new TypeError(
    `expected deadline to be an instant after ${after} (${from.toISOString()}), got ${deadline.toISOString()}`,
  );
}

async function requireJobType(db: Database, { tenantId }: ClaimedRun, name: string): Promise<JobType> {
  const found = await findJobType(db, { tenantId, name });
  if (found === undefined) throw new Error(`expected job type ${name} to exist, found none`);
  return found;
}

/** Claims look no further behind a due time than such a priority may put a run. */
function checkPriority(priority = 0): void {
  if (Number.isInteger(priority) && Math.abs(priority) <= 100) return;
  throw new TypeError(`expected priority to be a whole number from -100 to 100, got ${String(priority)}`);
}
