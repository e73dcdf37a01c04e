// When are rules due next that a search finds, where they stand beside others? The last answer of each is kept until it has
// passed, also from one call to the next: twenty rules that are due once in years would else be searched in each pass
// of the planner, for the sake of the one beside them that is due each second.
import { boundedMemo } from '../bounded-memo.js';
import { nextCronTime, type CronSpec } from '../cron-times.js';
import { nextRruleTime, type RruleSpec } from '../rrule/rrule-times.js';
import { remembering, type NextDue } from './any-of.js';

const RULES_MAX = 5_000;

const cronRule = boundedMemo(RULES_MAX, (key): NextDue => {
  const rule = JSON.parse(key) as CronSpec; // as it was asked
  return remembering((after) => nextCronTime(rule, after));
});

const rruleRule = boundedMemo(RULES_MAX, (key): NextDue => {
  const [rule, timeZone, anchorMs] = JSON.parse(key) as [string, string, number]; // as it was asked
  return remembering((after) => nextRruleTime({ rule, timeZone, anchorAt: new Date(anchorMs) }, after));
});

export function searchedCron({ expression, timeZone, clockChanges }: CronSpec): NextDue {
  return cronRule(JSON.stringify({ expression, timeZone, clockChanges }));
}

export function searchedRrule({ rule, timeZone, anchorAt }: RruleSpec): NextDue {
  return rruleRule(JSON.stringify([rule, timeZone, anchorAt.getTime()]));
}
