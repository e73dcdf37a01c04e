// What do statements about replicas and their beats mean?
import { LIVENESS_LOCK } from '#database/advisory-locks.js';
import { isLive, type HeartbeatRow, type ModelDatabase, type ReplicaRow } from '../model-database.js';
import { answer, at, BLOCKED, changed, inserted, type Meaning, type Scene } from './meaning.js';

export const CLUSTER_STATEMENTS: readonly Meaning[] = [
  {
    // No snapshot of the model is old.
    name: 'listHorizonHolders',
    says: ["select 'session' as kind", 'from pg_prepared_xacts'],
    run: () => answer(),
  },
  {
    name: 'insertReplica',
    says: ['insert into "carillon"."replica"'],
    run: (scene) => {
      const { db, tx } = scene;
      const { incarnation, roles, weight, preference } = inserted(scene) as unknown as ReplicaRow;
      const number = db.next('replica');
      db.replica.lock(number, tx, 'write');
      db.replica.write(number, tx, { number, incarnation, roles, weight, preference, state: 'active' });
      return answer([{ number }], 'INSERT');
    },
  },
  {
    name: 'insertHeartbeat',
    says: ['insert into "carillon"."heartbeat"'],
    run: (scene) => {
      const { db, tx, server } = scene;
      const { replica } = inserted(scene) as { replica: number };
      db.heartbeat.lock(replica, tx, 'write');
      db.heartbeat.write(replica, tx, {
        replica,
        beat: 0,
        beatAtMs: server.wallMs(),
        serverStartedAt: server.startedAt,
      });
      return changed(1, 'INSERT');
    },
  },
  {
    name: 'insertEvent',
    says: ['insert into "carillon"."cluster_event"'],
    run: () => changed(1, 'INSERT'),
  },
  {
    name: 'beat',
    says: ['update carillon.heartbeat h set beat = beat + 1'],
    run: beat,
  },
  {
    name: 'sweep',
    says: ['from carillon.replica r join carillon.heartbeat h', '"lockHeld"'],
    run: sweep,
  },
  {
    name: 'markDead',
    says: ['update "carillon"."replica" set "state" = $1', '"died_term" = $2'],
    run: ({ db, tx, params }) => {
      const [to, , reason, number, ...from] = params as [
        ReplicaRow['state'],
        number,
        string,
        number,
        ...string[],
      ];
      const moved = moveState({ db, tx, number, to, from });
      if (moved !== BLOCKED && moved.rowCount > 0) tx.acts.push({ kind: 'death', replica: number, reason });
      return moved;
    },
  },
  {
    name: 'moveOnTo',
    says: ['update "carillon"."replica" set "state" = $1', '"state" in'],
    run: ({ db, tx, params }) => {
      const [to, number] = params as [ReplicaRow['state'], number];
      return moveState({ db, tx, number, to, from: params.slice(2) });
    },
  },
  {
    name: 'returnToService',
    says: ['update "carillon"."replica" set "state" = $1 where "number" = $2 and "state" = $3'],
    run: ({ db, tx, params }) => {
      const [to, number, from] = params as [ReplicaRow['state'], number, string];
      return moveState({ db, tx, number, to, from: [from] });
    },
  },
  {
    name: 'listReplicas',
    says: ['select r.number, r.incarnation, r.name'],
    run: ({ db, server }) => {
      const beatAgeMs = (number: number): number =>
        server.wallMs() - (db.heartbeat.get(number)?.beatAtMs ?? 0);
      return answer(
        db.replica
          .rows()
          .filter(isLive)
          .map((row) => ({ ...row, beatAgeMs: beatAgeMs(row.number) })),
      );
    },
  },
];

function beat({ db, tx, params, server }: Scene): ReturnType<Meaning['run']> {
  const [number, incarnation] = params as [number, string];
  const row = db.replica.get(number);
  if (row?.incarnation !== incarnation) return answer([], 'UPDATE');
  if (!db.heartbeat.lock(number, tx, 'write')) return BLOCKED;
  const heart = db.heartbeat.get(number, tx);
  if (heart === null) return answer([], 'UPDATE');
  const beaten: HeartbeatRow = {
    ...heart,
    beat: heart.beat + 1,
    beatAtMs: server.wallMs(),
    serverStartedAt: server.startedAt,
  };
  db.heartbeat.write(number, tx, beaten);
  server.invariants.sightings.noteBeat(number);
  const ringVersion = Math.max(0, ...db.ring.rows().map((ring) => ring.version));
  return answer(
    [{ state: row.state, ...leaderSighting(db), ringVersion, databaseTime: at(server.wallMs()) }],
    'UPDATE',
  );
}

/** What a follower learns about the leader, with its beats and with its tries for the lock. */
export function leaderSighting(db: ModelDatabase): object {
  const row = db.leadership.get(1);
  const leader = row?.replica ?? null;
  const leads = leader !== null && isLive(db.replica.get(leader));
  return {
    term: row?.term ?? 0,
    leader,
    leaderBeat: leads ? (db.heartbeat.get(leader)?.beat ?? null) : null,
  };
}

function sweep({ db, server, session, broken }: Scene): ReturnType<Meaning['run']> {
  const rows = db.replica
    .rows()
    .filter(isLive)
    .map((row) => {
      const { number: replica, state, roles, weight, preference } = row;
      const heart = db.heartbeat.get(replica);
      const name = `carillon:${replica}`;
      const sessions = [...server.sessions].filter((each) => each.applicationName === name).length;
      server.invariants.sightings.noteLook(replica, { sessions, by: session.pid });
      const seen = {
        replica,
        state,
        roles,
        weight,
        preference,
        sessions,
        beat: heart?.beat ?? 0,
        lockHeld: server.locks.holderOf(LIVENESS_LOCK, replica) !== null,
        sameServer: heart?.serverStartedAt === server.startedAt,
      };
      if (broken.has('crashes judged without asking for sessions and restarts'))
        return { ...seen, sessions: 0, sameServer: true };
      if (!broken.has('liveness by timestamps')) return seen;
      const expired = server.wallMs() - (heart?.beatAtMs ?? 0) > server.deadAfterMs;
      return { ...seen, sessions: expired ? 0 : 1, lockHeld: !expired, sameServer: true };
    });
  return answer(rows);
}

function moveState(
  move: Pick<Scene, 'db' | 'tx'> & { number: number; to: ReplicaRow['state']; from: readonly unknown[] },
): ReturnType<Meaning['run']> {
  const { db, tx, number, to, from } = move;
  if (!from.includes(db.replica.get(number, tx)?.state)) return changed(0);
  if (!db.replica.lock(number, tx, 'write')) return BLOCKED;
  const row = db.replica.get(number, tx);
  if (row === null || !from.includes(row.state)) return changed(0);
  db.replica.write(number, tx, { ...row, state: to });
  return changed(1);
}
