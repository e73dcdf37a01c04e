// Is the cluster well again when everything has healed and some quiet seconds have passed? Nothing is stuck, nothing
// of the dead is left, and the slots lie where the rule of the ring wants them.
import { assignSlots } from '#cluster/slots/decisions/slot-assignment.js';
import { placementHash } from '#database/runtime/hash.js';
import type { Evidence } from '../evidence.js';
import { UNDERWAY_MS } from './ledger-check.js';

/** The cluster drops claims that it has never heard of after 15 to 20 seconds. */
const CLAIM_AGE_MS_MAX = 25_000;
const HAND_OVER_MS_MAX = 10_000;
const LOAD_MAX = 1.1;

/** I8; C9, C11. */
export function checkRest(evidence: Evidence): string[] {
  return [...stuckRuns(evidence), ...stuckClaims(evidence), ...members(evidence), ...slots(evidence)];
}

function stuckRuns({ open, readAtMs }: Evidence): string[] {
  return open
    .filter(({ runAtMs }) => runAtMs < readAtMs - UNDERWAY_MS)
    .map(
      ({ id, jobType, attempt, runAtMs }) =>
        `C11: attempt ${attempt} of the ${jobType} run ${id} is ${Math.round(readAtMs - runAtMs)} ms overdue`,
    );
}

function stuckClaims({ claims, replicas }: Evidence): string[] {
  const states = new Map(replicas.map(({ number, state }) => [number, state]));
  return claims.flatMap(({ id, replica, runs, ageMs }) => {
    if (!['active', 'draining'].includes(states.get(replica) ?? ''))
      return [
        `C11: claim ${id} on ${runs.length} runs is left of replica ${replica}, which is ${states.get(replica)}`,
      ];
    return ageMs > CLAIM_AGE_MS_MAX
      ? [`C11: claim ${id} of replica ${replica} on ${runs.length} runs is ${Math.round(ageMs)} ms old`]
      : [];
  });
}

function members({ replicas, seats, leader }: Evidence): string[] {
  const active = replicas.filter(({ state }) => state === 'active' || state === 'draining');
  const missing = seats
    .filter(
      (seat) =>
        !active.some(({ name, pid, state }) => name === seat.name && pid === seat.pid && state === 'active'),
    )
    .map(({ name }) => `I8: ${name} is no active member`);
  const ghosts = active
    .filter(({ name, pid }) => !seats.some((seat) => seat.name === name && seat.pid === pid))
    .map(({ number, name, state }) => `I8: replica ${number} (${name}) is ${state}, and has no process`);
  const headless = active.some(({ number }) => number === leader)
    ? []
    : [`I8: replica ${leader} leads, and is no member`];
  return [...missing, ...ghosts, ...headless];
}

function slots({ slots: rows, ringMembers, replicas }: Evidence): string[] {
  const active = new Set(replicas.filter(({ state }) => state === 'active').map(({ number }) => number));
  const unowned = rows
    .filter(({ owner }) => owner === null || !active.has(owner))
    .map(
      ({ slot, owner }) =>
        `C9: slot ${slot} is owned by ${owner === null ? 'nobody' : `replica ${owner}, which is not active`}`,
    );
  const moving = rows
    .filter(({ targetAgeMs }) => (targetAgeMs ?? 0) > HAND_OVER_MS_MAX)
    .map(
      ({ slot, target, targetAgeMs }) =>
        `C11: slot ${slot} has been on its way to replica ${target} for ${Math.round(targetAgeMs ?? 0)} ms`,
    );
  const wanted = assignSlots({
    slotCount: rows.length,
    members: ringMembers,
    currentOwners: rows.map(({ target, owner }) => target ?? owner),
    hash: placementHash,
    maxLoad: LOAD_MAX,
  });
  const gone = ringMembers
    .filter(({ replica }) => !active.has(replica))
    .map(({ replica }) => `C9: the ring lists replica ${replica}, which is not active`);
  const misplaced = rows.filter(({ slot, owner, target }) => (target ?? owner) !== wanted[slot]).length;
  return [
    ...summed(unowned),
    ...summed(moving),
    ...gone,
    ...(misplaced > 0 ? [`C9: ${misplaced} slots lie elsewhere than the rule of the ring wants them`] : []),
  ];
}

/** A thousand slots with one fault are one sentence. */
function summed(sentences: readonly string[]): string[] {
  return sentences.length <= 3
    ? [...sentences]
    : [`${sentences[0]}, and ${sentences.length - 1} more like it`];
}
