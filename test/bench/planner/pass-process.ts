// The planner of the built product in a process of its own, over one database and without a cluster: what the process uses
// is what a pass costs. Its writes are transactions without the fence of a term, which costs each of them the same.
// Each message asks for a pass, and is answered with its processor time.
import { connectDatabase, inTransaction, type Tx } from '#database/connection.js';
import { systemClock } from '#database/runtime/system-clock.js';
import type { HintsLoop } from '#cluster/hints/hints-loop.js';
import type { Leadership } from '#cluster/leadership/leadership.js';
import { PlannerLoop } from '#scheduling/planning/planner-loop.js';
import { DEFAULT_PLANNER_SETTINGS } from '#scheduling/planning/planner-settings.js';

const db = connectDatabase({
  url: process.argv[2] ?? '',
  applicationName: 'bench-planner',
  maxConnections: 4,
  statementTimeoutMs: 60_000,
  idleInTransactionMs: 60_000,
  prepares: true,
  wantsPrimary: true,
  onError: () => undefined,
});
const leader = { term: 1, incarnation: { db }, predecessor: null };
const leadership = {
  current: () => leader,
  write: async <Value>(_: unknown, act: (tx: Tx) => Promise<Value>) => ({
    kind: 'done',
    value: await inTransaction(db, act),
  }),
};

async function pass(): Promise<void> {
  // One that knows nothing of earlier passes. All that it asks of a leadership and of hints is here.
  const planner = new PlannerLoop(
    leadership as unknown as Leadership,
    { send: () => undefined } as unknown as HintsLoop,
    { settings: DEFAULT_PLANNER_SETTINGS, clock: systemClock },
  );
  const from = process.cpuUsage();
  await planner.runOnce();
  const { user, system } = process.cpuUsage(from);
  process.send?.({ nodeMs: (user + system) / 1_000 });
}

process.on('message', () => void pass());
process.on('disconnect', () => void db.destroy());
