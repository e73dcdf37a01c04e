// What does a spec say in words whose due times follow from runs?
import type { Following } from '#scheduling/decisions/kinds/following.js';

const UNITS = [
  [86_400, 'day'],
  [3_600, 'hour'],
  [60, 'minute'],
] as const;

export function followingText(spec: Following): string {
  if (spec.kind === 'delay') return `${spanText(spec.seconds)} after the end of the last run`;
  if (spec.seconds === 0) return `At each success of ${spec.schedule}`;
  return `${spanText(spec.seconds)} after each success of ${spec.schedule}`;
}

/** In the greatest unit of which it is a multiple. */
function spanText(seconds: number): string {
  const [size, unit] = UNITS.find(([each]) => seconds % each === 0) ?? [1, 'second'];
  const count = seconds / size;
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
