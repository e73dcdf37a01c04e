// Does an owner read from the key the policy that the schedule wrote into it, and from no other key?
import { expect, it } from 'vitest';
import { asId } from './ids.js';
import { isUnlimitedKey, readScheduleKey, scheduleKey, type ScheduleKey } from './schedule-key.js';

const scheduleId = asId.schedule('0197a0c4-95b1-7c3e-8b7e-3f0d5a2c1e99');

it.each<ScheduleKey['overlap']>([
  { mode: 'allow' },
  { mode: 'skip' },
  { mode: 'replace' },
  { mode: 'queue', max: 1 },
  { mode: 'queue', max: 1_000 },
])('reads $mode as it was written', (overlap) => {
  const key = scheduleKey({ scheduleId, overlap });
  expect(readScheduleKey(key)).toEqual({ scheduleId, overlap });
  expect(isUnlimitedKey(key)).toBe(overlap.mode === 'allow');
});

it.each([
  null,
  '',
  'customer-7',
  'schedule/nightly/skip',
  `schedule/${scheduleId}`,
  `schedule/${scheduleId}/latest`,
  `schedule/${scheduleId}/queue/0`,
  `schedule/${scheduleId}/queue/10000`,
  `schedule/${scheduleId}/skip/`,
  ` schedule/${scheduleId}/skip`,
])('leaves %j to its user', (key) => {
  expect(readScheduleKey(key)).toBeNull();
  expect(isUnlimitedKey(key)).toBe(false);
});
