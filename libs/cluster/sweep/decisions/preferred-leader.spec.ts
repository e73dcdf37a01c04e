// Is leadership handed on to the preferred replica, and only when it is fit for it?
import { expect, it } from 'vitest';
import { asId, type ReplicaNumber } from '#kernel/ids.js';
import { preferredLeader, type Candidate } from './preferred-leader.js';

const self = asId.replica(1);
const candidate = (replica: number, preference: number, wish: Partial<Candidate> = {}): Candidate => ({
  replica: asId.replica(replica),
  state: 'active',
  roles: ['scheduler', 'worker'],
  preference,
  ...wish,
});
const successor = (
  candidates: Candidate[],
  steadySinceMs: (replica: ReplicaNumber) => number | null = () => 0,
) =>
  preferredLeader({
    candidates: [candidate(1, 5), ...candidates],
    self,
    steadySinceMs,
    nowMs: 5_000,
    steadyMs: 5_000,
  });

it('is the highest preference above the own; among equals the lowest number', () => {
  expect(successor([candidate(4, 9), candidate(3, 9), candidate(2, 7)])).toBe(3);
});

it('is nobody when all are preferred less or as much', () => {
  expect(successor([candidate(2, 5), candidate(3, 0)])).toBeNull();
});

it.each([
  ['drains', { state: 'draining' as const }],
  ['does not schedule', { roles: ['api', 'worker'] }],
])('is nobody that %s', (_what, wish) => {
  expect(successor([candidate(2, 9, wish)])).toBeNull();
});

it('is nobody that has not beaten steadily for long enough', () => {
  expect(successor([candidate(2, 9)], () => null)).toBeNull();
  expect(successor([candidate(2, 9)], () => 1)).toBeNull();
});
