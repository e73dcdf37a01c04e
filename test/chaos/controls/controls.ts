// What would the checker miss? Here is what it must not: each control breaks one fence of the product, in a copy of what
// is built, and names the violation that has to be found. Where a second fence would still hold, it is taken away as
// well, and the comment says so.
import type { Control } from './control.js';
import type { Patch } from './patched-product.js';
import * as plots from './plots.js';
import * as limits from './limit-plots.js';
import { LOCK_CONTROLS } from './lock-controls.js';
import { REFUSAL_CONTROLS } from './refusal-controls.js';
import * as repairs from './repair-plots.js';

const TERM_FENCE = 'libs/cluster/leadership/term-fence.js';
const REPLICA_GATE = 'libs/cluster/membership/replica-gate.js';
const LEADERSHIP = 'libs/cluster/leadership/leadership.repository.js';
const SETTLEMENT = 'libs/execution/settling/settlement.repository.js';
const PLAIN_ENDS = 'libs/execution/settling/plain-ends.js';
const STRICT_CLAIM = 'libs/execution/claiming/strict/strict-claim.repository.js';
const PLANNING = 'libs/scheduling/planning/planning.repository.js';

const noTermFence: Patch = { file: TERM_FENCE, from: 'if (!(await holdTerm(tx, holder)))', to: 'if (false)' };
const noGateCheck: Patch = {
  file: REPLICA_GATE,
  from: 'if (!(await isAlive(tx, holder)))',
  to: 'if (false)',
};
/** So that all ends go by the statements that the other patches are about. */
const noPlainEnds: Patch = { file: PLAIN_ENDS, from: 'if (!isPlain(batch))', to: 'if (true)' };
const unlocked = (lock: string): Patch => ({
  file: LEADERSHIP,
  from: '       for share`',
  to: `       ${lock}\``,
});

export const CONTROLS: readonly Control[] = [
  {
    name: 'no term fence',
    patches: [noTermFence],
    plot: plots.deposedLeaderWrites,
    caughtBy: /^I3: the .* write of term/,
  },
  {
    name: 'term fence by plain select',
    patches: [unlocked('')],
    plot: plots.deposedLeaderWrites,
    caughtBy: /^I3: the .* write of term/,
  },
  {
    name: 'term fence by key share',
    patches: [unlocked('for key share')],
    plot: plots.deposedLeaderWrites,
    caughtBy: /^I3: the .* write of term/,
  },
  {
    // The fence, the compare-and-set and the key each prevent it alone.
    name: 'planned twice',
    patches: [
      noTermFence,
      {
        file: PLANNING,
        from: " and date_trunc('milliseconds', s.next_due_at) = a.due_from and s.revision = a.revision",
        to: '',
      },
      { file: PLANNING, from: '    on conflict (schedule_id, due_at) do nothing\n', to: '' },
    ],
    sabotage: 'alter table carillon.fire drop constraint fire_pkey',
    plot: plots.deposedLeaderWrites,
    caughtBy: /^I1: .* has 2 ledger rows/,
  },
  {
    name: 'no gate check on settlement',
    patches: [noGateCheck, noPlainEnds],
    plot: plots.deadReplicaCompletes,
    caughtBy: /^I4: the (completion|run delete) of replica/,
  },
  {
    // The gate and the number of the attempt each prevent it alone.
    name: 'settlement by run id alone',
    patches: [
      noGateCheck,
      noPlainEnds,
      {
        file: SETTLEMENT,
        from: 'for update`.execute(tx);\n    return new Set(rows.map((row) => row.id));',
        to: 'for update`.execute(tx);\n    return new Set(claimIds);',
      },
      {
        file: SETTLEMENT,
        from: 'where id = any((select ids from asked)::uuid[]) and attempt = ${attempt} returning',
        to: 'where id = any((select ids from asked)::uuid[]) and ${attempt}::int > 0 returning',
      },
    ],
    plot: plots.strayCompletion,
    caughtBy: /^I4: the completion of replica/,
  },
  {
    name: 'no revocation',
    patches: [
      { file: 'libs/execution/takeover/revocation-loop.js', from: 'if (leader === null)', to: 'if (true)' },
    ],
    plot: plots.killedWithWork,
    caughtBy: /^C11: claim .* is left of replica/,
  },
  {
    name: 'crashed when the lock is free',
    patches: [
      {
        file: 'libs/cluster/sweep/decisions/liveness.js',
        from: 'return !lockHeld && sessions === 0 && sameServer;',
        to: 'return !lockHeld;',
      },
    ],
    plot: plots.lockFree,
    caughtBy: /^I8: replica \d+ .* was declared dead/,
  },
  {
    name: 'no resumption',
    patches: [
      {
        file: 'libs/cluster/membership/membership.js',
        from: 'this.cutOff.publish(error);',
        to: "this.cutOff.publish(error); this.#expel('its session broke');",
      },
    ],
    plot: plots.controlSessionEnded,
    caughtBy: /^I8: replica \d+ .* was declared dead/,
  },
  {
    name: 'recovery taken for the same server',
    patches: [
      {
        file: 'libs/cluster/server-start.js',
        from: 'greatest(pg_postmaster_start_time(), pg_stat_get_bgwriter_stat_reset_time())',
        to: 'pg_postmaster_start_time()',
      },
    ],
    plot: repairs.databaseCrashes,
    caughtBy: /^I8: replica \d+ .* was declared dead/,
  },
  {
    name: 'forgotten session kept',
    patches: [
      { file: 'libs/database/database-client.js', from: 'this.#discard(TIMED_OUT);', to: 'void TIMED_OUT;' },
      // In its pipeline the driver ends such a connection by itself, and the one that beats on it drops it as well.
      { file: 'libs/database/connection.js', from: 'pipeline: true', to: 'pipeline: false' },
      {
        file: 'libs/cluster/membership/membership.js',
        from: "if (kind !== 'rejected' && kind !== 'passing')",
        to: 'if (kind === undefined)',
      },
    ],
    plot: repairs.sessionForgotten,
    caughtBy: /^I8: replica \d+ .* was declared dead/,
  },
  {
    name: 'nothing known of the leader before',
    patches: [
      {
        file: 'libs/cluster/sweep/sweep-loop.js',
        from: 'inheritedMemory(leader.predecessor)',
        to: 'NOTHING_OBSERVED',
      },
    ],
    plot: repairs.frozenLeader,
    caughtBy: /^I8: replica \d+ .* was never declared dead/,
  },
  {
    name: 'stopped attempts given back as unstarted',
    patches: [
      {
        file: 'libs/execution/runs/decisions/run-transition.js',
        from: "return { kind: 'retry', outcome: 'lost', delayMs: 0, error: result.error };",
        to: "return { kind: 'give-back' };",
      },
    ],
    plot: repairs.leaseUnsureUnderWay,
    caughtBy: /^C5: attempt 1 of run .* was called again/,
  },
  {
    name: 'stray claims kept',
    patches: [
      {
        file: 'libs/execution/takeover/stray-claims-loop.js',
        from: 'if (incarnation === null)',
        to: 'if (true)',
      },
    ],
    plot: plots.claimUnheardOf,
    caughtBy: /^C11: claim .* ms old/,
  },
  {
    name: 'claims of the former owner ignored',
    patches: [
      {
        file: 'libs/execution/claiming/runs-elsewhere.js',
        from: 'return this.#runs.filter((run) => !run.isLeased && slots.has(run.slot)).map((run) => run.id);',
        to: 'return [];',
      },
    ],
    plot: plots.handedOverUnderWay,
    caughtBy: /^C7: attempt 1 of run .* was called while attempt 1/,
  },
  {
    name: 'limits forget the former owner',
    patches: [
      {
        file: 'libs/execution/claiming/claim-loop.js',
        from: 'occupancy.setElsewhere(this.#elsewhere.runs, this.#elsewhere.known);',
        to: 'occupancy.setElsewhere([], this.#elsewhere.known);',
      },
    ],
    plot: limits.limitedUnderWay,
    caughtBy: /^I7: \d+ committed runs of .* executed at once/,
  },
  {
    name: 'limits forget workers outside',
    patches: [
      {
        file: 'libs/execution/claiming/runs-elsewhere.repository.js',
        from: 'true from carillon.lease where slot',
        to: 'true from carillon.lease where false and slot',
      },
    ],
    plot: limits.limitedUnderWay,
    caughtBy: /^I7: \d+ pulled runs of .* executed at once/,
  },
  {
    name: 'rates let everything pass',
    patches: [
      {
        file: 'libs/execution/limits/rate-limiter.js',
        from: 'return tenant.rate !== undefined || jobType.rate !== undefined;',
        to: 'return false;',
      },
    ],
    plot: limits.handedOutAtOnce,
    caughtBy: /^I7: \d+ metered runs of .* started within/,
  },
  {
    name: 'queue filled outside of the transaction',
    patches: [
      {
        file: 'libs/execution/targets/queue-target.js',
        from: '{ id, priority, db: fromKysely(trx) }',
        to: '{ id, priority }',
      },
    ],
    plot: limits.handedOutAtOnce,
    caughtBy: /^I2: the job of run .* was put into its queue by transaction/,
  },
  {
    name: 'pauses overlooked',
    patches: [
      {
        file: 'libs/execution/claiming/claims/lane.repository.js',
        from: "coalesce(t.state = 'suspended', false) or q.paused_at is not null or j.paused_at is not null as paused",
        to: 'false as paused',
      },
    ],
    plot: limits.pausedQueue,
    caughtBy: /^I7: .* began \d+ ms after queue/,
  },
  {
    // Offering it again and taking it again each make the old token worthless.
    name: 'lease keeps its name when it changes hands',
    patches: [
      {
        file: 'libs/execution/leases/lease.repository.js',
        from: "set id = gen_random_uuid(), state = 'taken'",
        to: "set state = 'taken'",
      },
      {
        file: 'libs/execution/leases/lease.repository.js',
        from: 'set id = gen_random_uuid(), attempt = l.attempt + 1',
        to: 'set attempt = l.attempt + 1',
      },
    ],
    plot: limits.silentWorker,
    caughtBy: /^I2: the completion of attempt 1 of run .* was acknowledged/,
  },
  {
    name: 'started when claimed',
    patches: [
      {
        file: 'libs/execution/claiming/claim-loop.js',
        from: 'nowMs + Math.max(0, run.runAt.getTime() - databaseTimeMs)',
        to: 'nowMs',
      },
    ],
    plot: plots.quiet,
    caughtBy: /^I6: attempt 1 of run .* ran/,
  },
  {
    name: 'a claim that reads no block of a key',
    patches: [{ file: STRICT_CLAIM, from: '`b.tenant_id', to: '`false and b.tenant_id' }],
    plot: limits.triedAgainInOrder,
    caughtBy: /^C16: .* began attempt 2 /,
  },
  ...REFUSAL_CONTROLS,
  ...LOCK_CONTROLS,
];
