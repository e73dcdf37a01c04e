// How is the room of one claim shared between lanes? Each lane is an index walk of its own, so those that are known to
// have many runs are asked for more at once, and fewer of them by one claim. Nobody knows how much a lane has that was
// just found; while others wait, it is asked for a few.

/**
 * What a lane that goes on is asked for at least, if there is room. With 16 instead of 4, and no ids to leave out, a
 * claim took PostgreSQL a third less.
 */
const GOING_MIN = 16;
/** What a lane is asked for that was just found, while others go on. */
const FOUND_MAX = 4;

/** At most so many lanes that were just found. */
export function foundLimit({ room, going, lanesMax }: Waiting): number {
  return Math.min(lanesMax, going > 0 ? Math.ceil(room / 2) : room);
}

/** At most so many lanes that go on, beside those that were just found. */
export function goingLimit({
  room,
  found,
  lanesMax,
}: {
  room: number;
  found: number;
  lanesMax: number;
}): number {
  const left = room - found * foundQuota({ room, found, others: 1 });
  return Math.min(lanesMax, Math.ceil(left / GOING_MIN));
}

/** What each lane is asked for. */
export function laneQuotas({ room, found, going }: { room: number; found: number; going: number }): {
  found: number;
  going: number;
} {
  const ofFound = foundQuota({ room, found, others: going });
  return { found: ofFound, going: going === 0 ? 0 : Math.floor((room - found * ofFound) / going) };
}

interface Waiting {
  room: number;
  going: number;
  lanesMax: number;
}

function foundQuota({ room, found, others }: { room: number; found: number; others: number }): number {
  if (found === 0) return 0;
  if (others === 0) return Math.floor(room / found);
  return Math.max(1, Math.min(FOUND_MAX, Math.floor(room / 2 / found)));
}
