// What does a spec say in words? cronstrue says it of an expression; of those that it does not know (nicknames, names that
// are written out) it is given the form in plain numbers.
import cronstrue from 'cronstrue';
import { readCron } from '#scheduling/decisions/cron-dialect.js';
import type { CronSpec } from '#scheduling/decisions/cron-times.js';
import { rruleWords } from './rrule-words.js';
import { followsRuns } from '#scheduling/decisions/kinds/following.js';
import { followingText } from './following-text.js';
import type { Rule, ScheduleSpec } from '#scheduling/decisions/due-times.js';

/** In English, without the bounds. */
export function specText(spec: ScheduleSpec): string {
  if (followsRuns(spec)) return followingText(spec);
  return spec.kind === 'anyOf' ? spec.specs.map(ruleText).join('; ') : ruleText(spec);
}

function ruleText(spec: Rule): string {
  switch (spec.kind) {
    case 'cron':
      return [cronText(spec.expression), spec.timeZone, ...clockChangesText(spec)].join(', ');
    case 'every':
      return spec.seconds === 1 ? 'Every second' : `Every ${spec.seconds} seconds`;
    case 'rrule':
      return rruleWords(spec);
    case 'at':
      return `Once, at ${spec.at.toISOString()}`;
    case 'instants':
      return instantsText(spec.instants);
  }
}

function clockChangesText({ clockChanges }: CronSpec): string[] {
  return [
    ...(clockChanges?.gap === 'skip' ? ['not when the clock leaves it out'] : []),
    ...(clockChanges?.repeat === 'both' ? ['both times when the clock shows it twice'] : []),
  ];
}

/** All of them up to three, else the first and the last. */
function instantsText(instants: readonly Date[]): string {
  const texts = instants.map((instant) => instant.toISOString());
  const [first, last] = [texts[0] ?? '', texts.at(-1) ?? ''];
  if (texts.length === 1) return `Once, at ${first}`;
  return texts.length <= 3
    ? `At ${texts.slice(0, -1).join(', ')} and ${last}`
    : `At ${texts.length} instants, from ${first} to ${last}`;
}

function cronText(expression: string): string {
  const reading = readCron(expression);
  if (!reading.ok) return expression;
  const { expression: plain, requiresBothDays } = reading.fields;
  const options = { use24HourTimeFormat: true, logicalAndDayFields: requiresBothDays };
  for (const text of [expression, plain]) {
    try {
      return cronstrue.toString(text, options);
    } catch {
      // It throws for what it does not know.
    }
  }
  return expression;
}
