// How is the room of one claim shared between lanes? Each lane costs an index walk of its own. A resumed lane gave all it
// was asked for, so it probably holds many runs: the claim takes more from each and serves fewer of them. A fresh lane was
// just found by a scan and may hold a single run: while resumed lanes wait, the claim takes only a few from it.

/**
 * The least that a claim asks of a resumed lane, if there is room. With 16 instead of 4, and no ids to leave out, a
 * claim took PostgreSQL a third less.
 */
const RESUMED_MIN = 16;
/** The most that a claim asks of a fresh lane while resumed lanes wait. */
const FRESH_MAX = 4;

/** How many fresh lanes one claim may serve. */
export function freshLimit({ room, resumed, lanesMax }: Waiting): number {
  return Math.min(lanesMax, resumed > 0 ? Math.ceil(room / 2) : room);
}

/** How many resumed lanes one claim may serve beside `fresh` fresh ones. */
export function resumedLimit({
  room,
  fresh,
  lanesMax,
}: {
  room: number;
  fresh: number;
  lanesMax: number;
}): number {
  const left = room - fresh * freshQuota({ room, fresh, others: 1 });
  return Math.min(lanesMax, Math.ceil(left / RESUMED_MIN));
}

/** How many runs the claim asks of each lane. */
export function laneQuotas({ room, fresh, resumed }: { room: number; fresh: number; resumed: number }): {
  fresh: number;
  resumed: number;
} {
  const ofFresh = freshQuota({ room, fresh, others: resumed });
  return { fresh: ofFresh, resumed: resumed === 0 ? 0 : Math.floor((room - fresh * ofFresh) / resumed) };
}

interface Waiting {
  room: number;
  resumed: number;
  lanesMax: number;
}

function freshQuota({ room, fresh, others }: { room: number; fresh: number; others: number }): number {
  if (fresh === 0) return 0;
  if (others === 0) return Math.floor(room / fresh);
  return Math.max(1, Math.min(FRESH_MAX, Math.floor(room / 2 / fresh)));
}
