// Does a schedule catch up on what its tenant's suspension has skipped as it would on an outage of that span?
import { expect, it } from 'vitest';
import type { CatchUp } from '#scheduling/decisions/catch-up.js';
import { skippedToRun } from './suspension-catch-up.js';

const at = (second: number) => new Date(second * 1_000);
const every = (seconds: number) => ({ kind: 'every', seconds, anchorAt: at(0) }) as const;
const LATEST: CatchUp = { mode: 'latest', withinSeconds: 3_600 };
const chosen = (
  seconds: number,
  catchUp: CatchUp | null,
  { specSince = null as Date | null, askedAt = 1_000 } = {},
) =>
  skippedToRun(
    { spec: every(seconds), catchUp, specSince },
    { from: at(500), to: at(1_000), askedAt: at(askedAt) },
  );

it('chooses what the policy says, of the due times from its beginning on and before its end', () => {
  expect(chosen(150, LATEST)).toEqual([at(900)]);
  expect(chosen(150, { mode: 'all', withinSeconds: 3_600, max: 9 })).toEqual([at(600), at(750), at(900)]);
  expect(chosen(150, { mode: 'all', withinSeconds: 300, max: 9 })).toEqual([at(750), at(900)]);
  expect(chosen(125, { mode: 'all', withinSeconds: 3_600, max: 9 })).toEqual([
    at(500),
    at(625),
    at(750),
    at(875),
  ]);
  expect(chosen(700, LATEST)).toEqual([at(700)]);
  expect(chosen(2_000, LATEST)).toEqual([]);
});

it('makes up for nothing where the policy says so, or can not be read', () => {
  expect([chosen(150, { mode: 'none' }), chosen(150, null)]).toEqual([null, null]);
});

it('passes over the latest where a later one has been due since', () => {
  expect(chosen(150, LATEST, { askedAt: 1_049 })).toEqual([at(900)]);
  expect(chosen(150, LATEST, { askedAt: 1_050 })).toEqual([]);
});

it('leaves out what a former spec asked for', () => {
  const all: CatchUp = { mode: 'all', withinSeconds: 3_600, max: 9 };
  expect(chosen(150, all, { specSince: at(750) })).toEqual([at(900)]);
  expect(chosen(150, all, { specSince: at(1_000) })).toEqual([]);
});
