// How do replicas go and come back in good order? Drained and taken back by an operator, ended by a signal, and all
// of them one after the other, as a release does it. None of these is a failure, and none may look like one.
import { setTimeout as rest } from 'node:timers/promises';
import { until } from '../../support/until.js';
import type { Cluster, Seat } from '../cluster.js';
import { AT_ONCE, type Blow, type FaultKind } from '../faults.js';

/** A replica drains for half a minute at most, and then says goodbye. */
const LEAVE_LIMIT_MS = 40_000;
const ORDER_LIMIT_MS = 10_000;

const drain: FaultKind = {
  name: 'drain',
  death: 'never',
  from: 'strike',
  limits: { ...AT_ONCE, slotsMs: 5_000 },
  async strike({ cluster, seat, dice, note }) {
    const number = await cluster.numberOf(seat);
    const others = cluster.seats.filter((other) => other !== seat && other.process !== null);
    note(`${await operate(cluster, dice.pick(others), `${number}:drain`)}`);
    await rest(dice.between(2_000, 5_000));
    note(`${await operate(cluster, dice.pick(others), `${number}:undrain`)}`);
  },
};

/** An operator tries again when the replica that was asked does not answer, or has no database. */
async function operate(cluster: Cluster, seat: Seat, what: string): Promise<number> {
  return until(
    `${what} is carried out or refused`,
    async () => {
      const answer = await cluster.call(seat, `/api/v1/cluster/replicas/${what}`, {}).catch(() => undefined);
      return answer === undefined || answer.status >= 500 ? undefined : answer.status;
    },
    ORDER_LIMIT_MS,
  );
}

const leave: FaultKind = {
  name: 'sigterm',
  death: 'never',
  from: 'strike',
  limits: { ...AT_ONCE, slotsMs: 5_000 },
  async strike(blow) {
    await dismiss(blow, blow.seat);
    await rest(blow.dice.between(500, 3_000));
    await blow.cluster.occupy(blow.seat);
  },
};

const rolling: FaultKind = {
  name: 'rolling-restart',
  death: 'never',
  from: 'strike',
  // One leaves after the other: the strike is no moment to count from.
  limits: { ...AT_ONCE, termMs: Infinity, slotsMs: Infinity },
  async strike(blow) {
    const { cluster, seat: first } = blow;
    for (const seat of cluster.seats) if (seat !== first) await blow.alsoStrikes(seat);
    for (const seat of [first, ...cluster.seats.filter((other) => other !== first)]) {
      await dismiss(blow, seat);
      await cluster.occupy(seat);
      await cluster.untilSettled();
    }
  },
};

async function dismiss({ cluster, note }: Blow, seat: Seat): Promise<void> {
  const code = await cluster.dismiss(seat, LEAVE_LIMIT_MS);
  if (code !== 0) note(`I8: ${seat.name} was told to leave and ended with ${code}`);
}

export const leaveFaults: readonly FaultKind[] = [drain, leave, rolling];
