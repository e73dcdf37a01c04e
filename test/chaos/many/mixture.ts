// What do many schedules of many kinds look like? Drawn from the dice: intervals, expressions in several zones, recurrence
// rules, several specs in one, successes of another one, with the policies that a due time may meet. Each is due about once
// in a minute, so that thousands of them leave the machine time for the faults.
import type { Dice } from '../dice.js';

const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe'];

const KINDS: readonly ((dice: Dice) => object)[] = [
  (dice) => ({ spec: { everySeconds: dice.between(40, 90) } }),
  (dice) => ({ spec: { cron: `${dice.between(0, 59)} * * * * *` } }),
  (dice) => ({ spec: { cron: `${dice.between(0, 59)} */2 * * * *` }, timeZone: dice.pick(ZONES) }),
  (dice) => ({ spec: { rrule: everyMinute(dice.between(0, 59)) }, timeZone: dice.pick(ZONES) }),
  (dice) => ({
    spec: {
      anyOf: [{ everySeconds: dice.between(80, 120) }, { cron: `${dice.between(0, 59)} */3 * * * *` }],
    },
  }),
];
const POLICIES: readonly object[] = [
  {},
  { catchUp: { mode: 'latest', withinSeconds: 60 } },
  { catchUp: { mode: 'all', withinSeconds: 600, max: 3 } },
  { catchUp: { mode: 'none' } },
  { overlap: { mode: 'skip' } },
  { overlap: { mode: 'queue', max: 2 } },
];

/** Some follow another one of their tenant, if there is one. */
export function drawnSchedule(dice: Dice, other: string | undefined): object {
  const isFollower = dice.next() < 0.2 && other !== undefined;
  const times = isFollower ? followed(dice, other) : drawnTimes(dice);
  return { ...times, ...dice.pick(POLICIES), jobType: 'noop' };
}

function followed(dice: Dice, other: string): object {
  return { spec: { afterSuccessOf: other, delaySeconds: dice.between(0, 20) } };
}

/** Without what another kind of spec drops. */
export function drawnTimes(dice: Dice): object {
  return dice.pick(KINDS)(dice);
}

function everyMinute(second: number): string {
  const upTo = (end: number): string => Array.from({ length: end }, (_, number) => number).join(',');
  return `FREQ=DAILY;BYHOUR=${upTo(24)};BYMINUTE=${upTo(60)};BYSECOND=${second}`;
}
