// The decisions of the product that a history is played with. A negative control replaces one of them by a broken one.
import { catchUpOn } from '#scheduling/decisions/catch-up.js';
import { decideGap } from '#scheduling/decisions/gap.js';
import { planSchedule } from '#scheduling/decisions/planning.js';
import { notCaughtUp } from '#scheduling/outages/decisions/passed.js';
import { sharePlaces } from '#scheduling/planning/decisions/places.js';
import { jitterMs } from '#scheduling/schedules/decisions/jitter.js';
import { nextSkips, nextUnskipped } from '#scheduling/schedules/decisions/next-skips.js';

export const DECISIONS = {
  planSchedule,
  decideGap,
  catchUpOn,
  notCaughtUp,
  nextSkips,
  nextUnskipped,
  sharePlaces,
  jitterMs,
};
export type Decisions = typeof DECISIONS;
