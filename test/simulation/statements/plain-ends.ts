// What does the function mean that settles plain ends? It is one message and several statements, each at an instant of its
// own: between them others write, sessions end and replicas are declared dead, as far as its locks let them.
import { REPLICA_GATE } from '#database/advisory-locks.js';
import type { Answer } from '../connection.js';
import { isLive } from '../model-database.js';
import { enterGate } from '../transaction.js';
import { answer, BLOCKED, listed, type Meaning, type Scene } from './meaning.js';
import { BY_ID_ALONE, closeClaims, decideFires, finishRuns, lockClaims } from './settlement.js';

export const PLAIN_END_STATEMENTS: readonly Meaning[] = [
  { name: 'settleEnds', says: ['select verdict, missing from carillon.settle_ends('], run: settleEnds },
];

/** Where the function has come to; what stands before is not done again when it goes on. */
const ALIVE = 1;
const CLAIMED = 2;

/** Of what it is asked: the runs, and what has become of them. */
export function plainEndsOf(params: readonly unknown[]): { ids: string[]; outcomes: string[] } {
  return { ids: listed(params[9] as string), outcomes: listed(params[10] as string) };
}

function settleEnds(asSent: Scene): Answer | typeof BLOCKED {
  const scene = { ...asSent, broken: brokenHere(asSent) };
  const { server, db, tx, params, broken } = scene;
  const [
    replica,
    incarnation,
    claims,
    finished,
    schedules,
    dues,
    starts,
    lateAfterMs,
    attempt,
    ids,
    outcomes,
  ] = params as [number, string, string, string, string, string, string, number, number, string, string];
  if (tx.step < ALIVE && !asSent.broken.has('plain ends by the id of the run alone')) {
    const gate = server.locks.gate(REPLICA_GATE, replica);
    if (!broken.has('plain ends without the gate') && !enterGate(gate, tx, false)) return BLOCKED;
    const row = db.replica.get(replica, tx);
    if (!isLive(row) || row?.incarnation !== incarnation) return verdict('fenced');
  }
  if (!server.hasComeTo(ALIVE, tx)) return BLOCKED;
  if (tx.step < CLAIMED) {
    const ours = lockClaims({ ...scene, params: [replica, listed(claims)] });
    if (ours === BLOCKED) return BLOCKED;
    if (ours.rowCount < listed(claims).length) return verdict('claim-lost');
  }
  if (!server.hasComeTo(CLAIMED, tx)) return BLOCKED;
  const decided = decideFires({ ...scene, params: [schedules, dues, starts, lateAfterMs / 1_000] });
  if (decided === BLOCKED) return BLOCKED;
  const missing = finishRuns({ ...scene, params: [ids, attempt, replica, outcomes] });
  if (missing === BLOCKED) return BLOCKED;
  if (closeClaims({ ...scene, params: [listed(finished)] }) === BLOCKED) return BLOCKED;
  return verdict('done', missing);
}

/** The gate, the claim and the number of the attempt each prevent alone what comes of it. */
function brokenHere({ broken }: Scene): Scene['broken'] {
  return broken.has('plain ends by the id of the run alone') ? new Set([...broken, BY_ID_ALONE]) : broken;
}

function verdict(said: string, missing: Answer = answer()): Answer {
  const ids = missing.rows.map((row) => (row as { id: string }).id);
  return answer([{ verdict: said, missing: ids.length === 0 ? null : ids }]);
}
