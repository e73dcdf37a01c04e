// The product's spec for a wish, as a request would have made it.
import { nextDueOf, type Bounds, type Rule, type ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { countOn } from '#scheduling/decisions/kinds/max-fires.js';
import type { RuleWish, SpecWish } from './history.js';

const SECOND_MS = 1_000;

export function specOf({ rules, startIn, endIn, maxFires }: SpecWish, nowMs: number): ScheduleSpec {
  const sinceMs = Math.floor(nowMs / SECOND_MS) * SECOND_MS;
  const at = (seconds: number): Date => new Date(sinceMs + seconds * SECOND_MS);
  const specs = rules.map((rule) => ruleOf(rule, at));
  const [only] = specs;
  const bounds: Bounds = {
    ...(startIn === null ? {} : { startAt: at(startIn) }),
    ...(endIn === null ? {} : { endAt: at(endIn) }),
  };
  if (specs.length !== 1 || only === undefined)
    return counted({ kind: 'anyOf', specs, ...bounds }, maxFires, nowMs);
  return only.kind === 'at' || only.kind === 'instants'
    ? only
    : counted({ ...only, ...bounds }, maxFires, nowMs);
}

function ruleOf(wish: RuleWish, at: (seconds: number) => Date): Rule {
  switch (wish.kind) {
    case 'every':
      return { kind: 'every', seconds: wish.seconds, anchorAt: at(wish.phase) };
    case 'cron':
      return { kind: 'cron', expression: `*/${wish.step} * * * * *`, timeZone: 'UTC' };
    case 'at':
      return { kind: 'instants', instants: wish.offsets.toSorted((a, b) => a - b).map(at) };
  }
}

function counted<Spec extends ScheduleSpec & Bounds>(
  spec: Spec,
  maxFires: number | null,
  nowMs: number,
): Spec {
  if (maxFires === null) return spec;
  const { startAt } = spec;
  const after = startAt === undefined ? new Date(nowMs) : new Date(startAt.getTime() - 1);
  const count = { reached: after, left: maxFires, isOver: false };
  const { reached, left } = countOn(nextDueOf(spec), count, () => true);
  return { ...spec, counted: { maxFires, after, lastAt: left === 0 ? reached : null } };
}
