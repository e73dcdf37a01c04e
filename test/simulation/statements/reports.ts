// What do statements that keep what attempts say while they run mean?
import { RUN_LOG_LOCK } from '#database/advisory-locks.js';
import { enterGate } from '../transaction.js';
import { answer, BLOCKED, changed, zipped, type Meaning, type Scene } from './meaning.js';

export const REPORT_STATEMENTS: readonly Meaning[] = [
  {
    name: 'insertLogLines',
    says: ['insert into carillon.run_log (run_id, seq, at'],
    run: ({ server, tx, params }) =>
      enterGate(server.locks.gate(RUN_LOG_LOCK, 0), tx, true)
        ? changed((params[1] as unknown[]).length, 'INSERT')
        : BLOCKED,
  },
  {
    name: 'tallyLogs',
    says: ['from carillon.run_log where run_id = any($2::uuid[]) group by run_id'],
    run: () => answer(), // lines are for people only, and are not kept
  },
  {
    name: 'writeProgress',
    says: ['with free as materialized ( select r.id, n.progress, n.details', 'set progress = coalesce('],
    run: writeProgress,
  },
];

/** What it writes is for people only; which rows it takes, and whom it waits for, matters. */
function writeProgress({ db, tx, params, text }: Scene): ReturnType<Meaning['run']> {
  const [ids, attempts] = params as [string[], number[]];
  const skipsLocked = text.includes('skip locked');
  const noted = (zipped(ids, attempts) as [string, number][]).filter(
    ([id, attempt]) => db.run.get(id, tx)?.attempt === attempt && !(skipsLocked && db.run.isLocked(id, tx)),
  );
  const free = noted.map(([id]) => id);
  if (!db.run.lockAll(free, tx)) return BLOCKED;
  return answer(
    free.map((id) => ({ id })),
    'UPDATE',
  );
}
