// The next step of an operation, by what is left of it and by its tenant.
import { expect, it } from 'vitest';
import { nextStep } from './next-step.js';

it.each([
  [{ left: 3, isTenantActive: true, worksWhileSuspended: false }, 'act'],
  [{ left: 3, isTenantActive: false, worksWhileSuspended: false }, 'wait'],
  [{ left: 3, isTenantActive: false, worksWhileSuspended: true }, 'act'],
  [{ left: 0, isTenantActive: true, worksWhileSuspended: false }, 'succeed'],
  [{ left: 0, isTenantActive: false, worksWhileSuspended: false }, 'succeed'],
] as const)('%o: %s', (standing, expected) => {
  expect(nextStep(standing)).toBe(expected);
});
