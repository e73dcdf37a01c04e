// What do statements about terms and fences mean?
import { LEADER_LOCK } from '#database/advisory-locks.js';
import { isLive } from '../model-database.js';
import { answer, BLOCKED, type Meaning, type Scene } from './meaning.js';

export const LEADERSHIP_STATEMENTS: readonly Meaning[] = [
  {
    name: 'beginTerm',
    says: ['update carillon.leadership set term = term + 1, holder = $1, replica = $2'],
    run: beginTerm,
  },
  {
    name: 'holdTerm',
    says: ['select 1 from carillon.leadership where id = 1 and term = $1 and holder = $2 for share'],
    run: holdTerm,
  },
  {
    name: 'resignTerm',
    says: ['update carillon.leadership set holder = null, replica = null where term = $1 and holder = $2'],
    run: resignTerm,
  },
  {
    name: 'endTerm',
    says: ['update carillon.leadership set term = term + 1, holder = null'],
    run: ({ db, tx }) => {
      if (!db.leadership.lock(1, tx, 'write')) return BLOCKED;
      const before = db.leadership.get(1, tx)?.term ?? 0;
      db.leadership.write(1, tx, { term: before + 1, holder: null, replica: null });
      tx.acts.push({ kind: 'begin-term', from: before, to: before + 1, holder: 'nobody' });
      return answer([{ term: before + 1 }], 'UPDATE');
    },
  },
  {
    name: 'isAlive',
    says: [
      "select 1 from carillon.replica where number = $1 and incarnation = $2 and state in ('active', 'draining')",
    ],
    run: ({ db, params }) => {
      const row = db.replica.get(params[0] as number);
      return isLive(row) && row?.incarnation === params[1] ? answer([{}]) : answer();
    },
  },
];

function beginTerm({ db, tx, server, session, params, text }: Scene): ReturnType<Meaning['run']> {
  const [holder, replica, after] = params as [string, number, number];
  const byLock = text.includes('pg_locks');
  const mayBegin = (): boolean =>
    byLock ? server.locks.holderOf(LEADER_LOCK, 0) === session : db.leadership.get(1, tx)?.term === after;
  if (!mayBegin()) return answer([], 'UPDATE');
  if (!db.leadership.lock(1, tx, 'write')) return BLOCKED;
  if (!mayBegin()) return answer([], 'UPDATE');
  const before = db.leadership.get(1, tx)?.term ?? 0;
  db.leadership.write(1, tx, { term: before + 1, holder, replica });
  tx.acts.push({ kind: 'begin-term', from: before, to: before + 1, holder });
  return answer([{ term: before + 1 }], 'UPDATE');
}

function isPair({ db, tx, params }: Scene): boolean {
  const [term, holder] = params as [number, string];
  const row = db.leadership.get(1, tx);
  return row?.term === term && row.holder === holder;
}

function resignTerm(scene: Scene): ReturnType<Meaning['run']> {
  const { db, tx, params } = scene;
  if (!isPair(scene)) return answer([], 'UPDATE');
  if (!db.leadership.lock(1, tx, 'write')) return BLOCKED;
  const [term] = params as [number];
  if (isPair(scene)) db.leadership.write(1, tx, { term, holder: null, replica: null });
  return answer([], 'UPDATE');
}

function holdTerm(scene: Scene): ReturnType<Meaning['run']> {
  const { db, tx, params, broken } = scene;
  const [term, holder] = params as [number, string];
  const withoutFence =
    broken.has('leader writes without a term fence') ||
    broken.has('planning without fence, compare-and-set and unique ledger');
  if (!withoutFence && !isPair(scene)) return answer();
  // After the wait the newest version of the row is looked at: a pair that has gone is not found.
  if (
    !withoutFence &&
    !broken.has('leader writes fenced by a plain select') &&
    !db.leadership.lock(1, tx, 'share')
  )
    return BLOCKED;
  tx.acts.push({ kind: 'leader-write', term, holder });
  return answer([{}]);
}
