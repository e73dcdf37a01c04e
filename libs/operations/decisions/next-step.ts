// What is the next step of an operation that has not ended?

interface Standing {
  /** How many items are left. */
  left: number;
  isTenantActive: boolean;
  worksWhileSuspended: boolean;
}

export type NextStep = 'succeed' | 'wait' | 'act';

export function nextStep({ left, isTenantActive, worksWhileSuspended }: Standing): NextStep {
  if (left === 0) return 'succeed';
  return isTenantActive || worksWhileSuspended ? 'act' : 'wait';
}
