// From which lanes of keys with a strict order may a claim take a run?
import { describe, expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import { isStrictLane, StrictKeys } from './strict-keys.js';

const [tenantId, other] = [asId.tenant('t'), asId.tenant('u')];
const laneOf = (lane: string, tenant = tenantId) => ({ slot: asId.slot(1), tenantId: tenant, lane });
const STRICT = laneOf('default/job/overlap/strict/k');

function keysWith({ held = [], running = 0 }: { held?: (typeof STRICT)[]; running?: number | null }) {
  const occupied = running === null ? null : { byTenant: running, byJobType: running, byKey: running };
  return new StrictKeys({ lanes: () => held }, { of: () => occupied });
}

describe('a lane of a key with a strict order', () => {
  it('is known by its name', () => {
    expect(isStrictLane(STRICT)).toBe(true);
    for (const lane of [
      'default/job',
      'default/job/k',
      'x/overlap/strict/k',
      'x/job/overlap/queue/overlap/strict/k',
    ])
      expect(isStrictLane({ lane })).toBe(false);
  });

  it('may be claimed from while nothing of its key is held here or runs elsewhere', () => {
    expect(keysWith({}).mayClaim(STRICT)).toBe(true);
    expect(keysWith({ held: [laneOf('default/job/overlap/strict/l')] }).mayClaim(STRICT)).toBe(true);
    expect(keysWith({ held: [laneOf(STRICT.lane, other)] }).mayClaim(STRICT)).toBe(true);
    expect(keysWith({ held: [STRICT] }).mayClaim(STRICT)).toBe(false);
    expect(keysWith({ running: 1 }).mayClaim(STRICT)).toBe(false);
  });

  it('may not be claimed from while what runs elsewhere is not known', () => {
    expect(keysWith({ running: null }).mayClaim(STRICT)).toBe(false);
  });

  it('shares its key with the lanes of other queues', () => {
    const queued = laneOf('mail/job/overlap/strict/k');
    expect(keysWith({ held: [queued] }).mayClaim(STRICT)).toBe(false);
    const keys = keysWith({});
    expect(keys.mayClaim(queued)).toBe(true);
    keys.noteServed(STRICT);
    expect(keys.mayClaim(queued)).toBe(false);
    expect(keys.mayClaim(laneOf('mail/other/overlap/strict/k'))).toBe(true);
  });
});

it('leaves all other lanes alone', () => {
  const keys = keysWith({ held: [laneOf('default/job/k')], running: 1 });
  expect(keys.mayClaim(laneOf('default/job/k'))).toBe(true);
  expect(keys.mayClaim(laneOf('default/job'))).toBe(true);
});
