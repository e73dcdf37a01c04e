// Did every write get past its fence in time? Proved by snapshots, see audit.ts. Beside that: terms only grow, each has
// one holder, and each slot's epoch counts up by one with every change of its owner.
import type { LateWrite } from '../audit.js';
import type { Evidence, SlotChange } from '../evidence.js';

/** I3, I4; C8, C9. */
export function checkFences(evidence: Evidence): string[] {
  return [
    ...evidence.lateLeaderWrites.map(lateLeaderWrite),
    ...evidence.lateReplicaWrites.map(lateReplicaWrite),
    ...terms(evidence),
    ...epochs(evidence),
  ];
}

function lateLeaderWrite({ author, what, xid, endedBy, at, endedAt }: LateWrite): string {
  return `I3: the ${what} write of term ${author} (transaction ${xid}, ${at.toISOString()}) was not over when term ${endedBy} began (${endedAt.toISOString()})`;
}

function lateReplicaWrite({ author, what, xid, at, endedAt }: LateWrite): string {
  return `I4: the ${what} of replica ${author} (transaction ${xid}, ${at.toISOString()}) was not over when it was declared dead (${endedAt.toISOString()})`;
}

function terms({ terms: started, events }: Evidence): string[] {
  const doubled = [...Map.groupBy(started, ({ term }) => term)]
    .filter(([, rows]) => rows.length > 1)
    .map(([term, rows]) => `I3: term ${term} began ${rows.length} times`);
  const gaps = started.flatMap(({ term }, index) => {
    const before = started[index - 1]?.term;
    return before === undefined || term === before + 1 ? [] : [`I3: term ${term} follows term ${before}`];
  });
  const began = events.filter(({ type }) => type === 'term-began').toSorted((a, b) => a.seq - b.seq);
  const shrunk = began
    .filter(({ term }, index) => index > 0 && (term ?? 0) <= (began[index - 1]?.term ?? 0))
    .map(({ term, seq }) => `I3: event ${seq} begins term ${term} after a later one`);
  return [...doubled, ...gaps, ...shrunk];
}

function epochs({ slotChanges }: Evidence): string[] {
  const last = new Map<number, SlotChange>();
  return slotChanges.flatMap((change) => {
    const before = last.get(change.slot);
    last.set(change.slot, change);
    if (before === undefined) return [];
    const follows = change.epoch === before.epoch + 1 && change.was === before.owner;
    return follows
      ? []
      : [
          `C9: slot ${change.slot} went from replica ${before.owner} (epoch ${before.epoch}) to replica ${change.owner} (epoch ${change.epoch}, from ${change.was})`,
        ];
  });
}
