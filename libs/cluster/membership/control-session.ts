// How does a process enter and leave the cluster on its control session? It opens one, and then either registers as a
// new incarnation or resumes the number that it had when its last session broke.
import { randomUUID } from 'node:crypto';
import { inTransaction, type Database } from '#database/connection.js';
import { openSession, type SessionConnection } from '#database/sessions/session-connection.js';
import type { ReplicaNumber } from '#kernel/ids.js';
import { insertEvent } from '#cluster/cluster-event.repository.js';
import { CHANNEL, listen } from '#cluster/hint.repository.js';
import { holdGateAlone, type ReplicaHolder } from './replica-gate.js';
import * as replicas from './replica.repository.js';
import { nameSession, sessionName, terminateBackend } from './session-end.repository.js';

export interface ControlSessionOptions {
  url: string;
  deadAfterMs: number;
  /** False behind a pooler: no locks, no names, no hints. */
  direct: boolean;
  onLost: (session: SessionConnection, error: Error) => void;
  onHint: (payload: string) => void;
}

/** The number to resume, and the old session, which may still hold our lock on the server. */
export interface Resumption {
  replica: ReplicaNumber;
  backendPid: number | null;
}

/** Rejects with the connection's error, or when an older session still holds the lock; then nothing stays open. */
export async function openControlSession(
  options: ControlSessionOptions,
  resumption: Resumption | null,
): Promise<SessionConnection> {
  const session: SessionConnection = await openSession({
    url: options.url,
    applicationName: resumption === null ? 'carillon:joining' : sessionName(resumption.replica),
    deadAfterMs: options.deadAfterMs,
    direct: options.direct,
    onLost: (error) => options.onLost(session, error),
    onNotification: (channel, payload) => channel === CHANNEL && options.onHint(payload),
  });
  if (!options.direct) return session;
  try {
    await listen(session.db);
    if (resumption !== null) await resume(session, resumption);
    return session;
  } catch (error) {
    await session.close().catch(() => undefined);
    throw error;
  }
}

async function resume({ db }: SessionConnection, { replica, backendPid }: Resumption): Promise<void> {
  if (backendPid !== null) await terminateBackend(db, backendPid, sessionName(replica));
  if (!(await replicas.tryLivenessLock(db, replica))) {
    throw new Error(`replica ${replica} could not resume: an older session still holds its lock`);
  }
  await insertEvent(db, { type: 'replica-resumed', replica });
}

export async function register(
  { db }: SessionConnection,
  identity: Omit<replicas.ReplicaIdentity, 'incarnation'>,
  { direct }: { direct: boolean },
): Promise<ReplicaHolder> {
  const incarnation = randomUUID();
  // Row and lock appear together: a row whose lock is free would look like a crash to the leader.
  const replica = await inTransaction(db, async (tx) => {
    const number = await replicas.insertReplica(tx, { ...identity, incarnation });
    if (direct) await replicas.tryLivenessLock(tx, number);
    await replicas.insertHeartbeat(tx, number);
    await insertEvent(tx, { type: 'replica-joined', replica: number, data: { name: identity.name } });
    return number;
  });
  if (direct) await nameSession(db, sessionName(replica));
  return { replica, uuid: incarnation };
}

/** Behind the gate: a claim still in flight must not commit after the other replicas see that this one has left. */
export async function sayGoodbye(db: Database, replica: ReplicaNumber): Promise<void> {
  await inTransaction(db, async (tx) => {
    await holdGateAlone(tx, replica);
    if (await replicas.moveOnTo(tx, replica, 'left'))
      await insertEvent(tx, { type: 'replica-left', replica });
  });
}
