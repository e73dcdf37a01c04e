// What do statements about sessions and locks mean?
import { LEADER_LOCK } from '#database/advisory-locks.js';
import { enterGate } from '../transaction.js';
import type { Session } from '../session.js';
import { leaderSighting } from './cluster.js';
import { answer, BLOCKED, type Meaning, type Scene } from './meaning.js';

export const SESSION_STATEMENTS: readonly Meaning[] = [
  {
    name: 'introduce',
    says: ['select pg_catalog.pg_backend_pid() as pid'],
    run: ({ session }) =>
      answer([{ pid: session.pid, isStandby: false, settings: {}, firstSchema: 'pg_catalog' }]),
  },
  {
    name: 'limitSilence',
    says: ["select set_config('idle_session_timeout'"],
    run: ({ session, params }) => {
      session.limits.idleMs = Number(params[0]);
      session.limits.idleInTransactionMs = Number(params[1]);
      session.limits.lockMs = 1_000;
      return answer();
    },
  },
  {
    name: 'nameSession',
    says: ["select set_config('application_name'"],
    run: ({ session, params }) => {
      session.applicationName = params[0] as string;
      return answer();
    },
  },
  {
    name: 'listen',
    says: ['listen carillon'],
    run: ({ session }) => ((session.listens = true), answer()),
  },
  {
    name: 'notify',
    says: [' pg_notify('],
    run: ({ server, params }) => {
      for (const payload of params[1] as string[]) server.notify(params[0] as string, payload);
      return answer();
    },
  },
  {
    name: 'tryLeaderLock',
    says: ['select pg_try_advisory_lock(', 'from carillon.leadership l'],
    run: ({ db, server, session }) =>
      answer([{ held: server.locks.try(session, LEADER_LOCK, 0), ...leaderSighting(db) }]),
  },
  {
    name: 'tryLivenessLock',
    says: ['select pg_try_advisory_lock('],
    run: ({ server, session, params }) =>
      answer([{ held: server.locks.try(session, Number(params[0]), Number(params[1])) }]),
  },
  {
    name: 'unlock',
    says: ['select pg_advisory_unlock('],
    run: ({ server, session, params }) => (
      server.locks.unlock(session, LEADER_LOCK, Number(params[1] ?? 0)),
      answer()
    ),
  },
  {
    name: 'holdGateShared',
    says: [' pg_advisory_xact_lock_shared('],
    run: ({ server, tx, params }) =>
      enterGate(server.locks.gate(Number(params[0]), Number(params[1])), tx, false) ? answer() : BLOCKED,
  },
  {
    name: 'holdGateAlone',
    says: ['select pg_advisory_xact_lock('],
    run: (scene) => {
      if (isWithoutGate(scene)) return answer();
      const { server, tx, params } = scene;
      return enterGate(server.locks.gate(Number(params[0]), Number(params[1])), tx, true)
        ? answer()
        : BLOCKED;
    },
  },
  {
    name: 'terminateBackend',
    says: ['pg_terminate_backend(a.pid, 1000)', 'and a.pid ='],
    run: ({ server, session, params }) => {
      const [pid, name] = params;
      const doomed = [...server.sessions].filter(
        (other) => other !== session && other.pid === pid && other.applicationName === name,
      );
      return answer(terminate(server, doomed));
    },
  },
  {
    name: 'terminateSessions',
    says: ['pg_terminate_backend(a.pid, 1000)', 'and a.application_name ='],
    run: ({ server, session, params }) => {
      const doomed = [...server.sessions].filter(
        (other) => other !== session && other.applicationName === params[0],
      );
      return answer(terminate(server, doomed));
    },
  },
  {
    // The login has no right that its role does not have.
    name: 'setRoleNone',
    says: ['set local role none'],
    run: () => answer(),
  },
];

function isWithoutGate({ session, tx, params, broken }: Scene): boolean {
  // Only who ends runs waits so impatiently.
  if (tx.lockMs !== null) return broken.has('endings without the gate');
  const isItsOwn = session.applicationName === `carillon:${String(params[1])}`;
  // Only the control session listens, and on it a replica says goodbye.
  if (isItsOwn && session.listens) return broken.has('goodbyes without the gate');
  return broken.has(isItsOwn ? 'hand-overs without the gate' : 'deaths without the gate');
}

function terminate(server: Scene['server'], doomed: readonly Session[]): object[] {
  if (!server.mayTerminate) return doomed.map(() => ({ ended: null }));
  for (const session of doomed) server.terminate(session);
  return doomed.map(() => ({ ended: true }));
}
