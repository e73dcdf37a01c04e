// Is everything counted that may be executing, and nothing assumed that was not counted?
import { describe, expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import { claimedRun } from '#test/support/builders.js';
import { Occupancy } from './occupancy.js';

const tenantId = asId.tenant('tenant');
const run = claimedRun({ tenantId, jobType: 'mail', concurrencyKey: 'a' });
const others = { byTenant: { jobType: 'pdf' }, byJobType: { concurrencyKey: 'b' } };
const counted = new Map([[run.slot, 1]]);

describe('occupancy', () => {
  it('counts what runs here and what others hold, by tenant, job type and key', () => {
    const occupancy = new Occupancy();
    occupancy.setElsewhere([run, { ...run, ...others.byJobType }], counted);
    occupancy.begin(run);
    occupancy.begin({ ...run, ...others.byTenant });
    expect(occupancy.of(run)).toEqual({ byTenant: 4, byJobType: 3, byKey: 2 });
    expect(occupancy.here(tenantId)).toBe(2);
  });

  it('falls with each end, and forgets what others no longer hold', () => {
    const occupancy = new Occupancy();
    occupancy.setElsewhere([run], counted);
    occupancy.begin(run);
    occupancy.end(run);
    expect(occupancy.of(run)?.byKey).toBe(1);
    occupancy.setElsewhere([], counted);
    expect(occupancy.of(run)).toEqual({ byTenant: 0, byJobType: 0, byKey: 0 });
  });

  it('keeps tenants, job types and keys of the same name apart', () => {
    const occupancy = new Occupancy();
    occupancy.setElsewhere([], counted);
    occupancy.begin({ ...run, concurrencyKey: null });
    expect(occupancy.of(run)).toEqual({ byTenant: 1, byJobType: 1, byKey: 0 });
    expect(occupancy.of({ ...run, tenantId: asId.tenant('other') })?.byTenant).toBe(0);
  });

  it('I7: is unknown for a slot that was not counted, or not in this epoch of it', () => {
    const occupancy = new Occupancy();
    expect(occupancy.of(run)).toBeNull();
    occupancy.setElsewhere([], counted);
    occupancy.keepOnly(new Map([[run.slot, 1]]));
    expect(occupancy.of(run)).not.toBeNull();
    occupancy.keepOnly(new Map([[run.slot, 3]]));
    expect(occupancy.of(run)).toBeNull();
  });
});
