// What happens to processes? They are killed without a word, frozen, held up by their own handlers, and their wall
// clock jumps.
import { setTimeout as rest } from 'node:timers/promises';
import { AFTER_SILENCE, AT_ONCE, type Blow, type FaultKind } from '../faults.js';

const kill: FaultKind = {
  name: 'kill',
  death: 'must',
  from: 'strike',
  limits: AT_ONCE,
  async strike({ cluster, seat, dice }) {
    await cluster.kill(seat);
    await rest(dice.between(1_000, 5_000));
    await cluster.occupy(seat);
  },
};

const freezeLong: FaultKind = {
  name: 'freeze-7s',
  death: 'must',
  from: 'strike',
  limits: AFTER_SILENCE,
  strike: (blow) => freeze(blow, 7_000),
};

/** Shorter than `deadAfterMs`: nothing may come of it. */
const freezeShort: FaultKind = {
  name: 'freeze-2s',
  death: 'never',
  from: 'strike',
  limits: { ...AT_ONCE, latenessMs: 3_000 },
  strike: (blow) => freeze(blow, 2_000),
};

async function freeze({ seat }: Blow, ms: number): Promise<void> {
  seat.process?.child.kill('SIGSTOP');
  await rest(ms);
  seat.process?.child.kill('SIGCONT');
}

const block: FaultKind = {
  name: 'block-3s',
  death: 'never',
  from: 'strike',
  limits: { ...AT_ONCE, latenessMs: 4_000 },
  async strike({ cluster, seat, witness, poster, note }) {
    const [owned] = await witness.ask<{ name: string }>(
      `select t.name from carillon.tenant t join carillon.slot_owner o using (slot) where o.owner = $1 and o.target is null and t.name like 'tenant-%' order by t.name limit 1`,
      [await cluster.numberOf(seat)],
    );
    if (owned === undefined) return note('it owns no tenant just now, so nothing blocks it');
    const post = await poster.post(seat, {
      tenant: owned.name,
      jobType: 'block',
      payload: { ms: 3_000 },
      expected: 'succeeded',
    });
    note(`run ${post.id ?? `(${post.outcome})`}`);
    await rest(3_500);
  },
};

const CLOCK_STEPS_MS = [-3_600_000, -60_000, 60_000, 3_600_000];

const clockStep: FaultKind = {
  name: 'clock-step',
  death: 'never',
  from: 'strike',
  limits: AT_ONCE,
  async strike({ seat, dice, note }) {
    const ms = dice.pick(CLOCK_STEPS_MS);
    note(`${ms > 0 ? '+' : ''}${ms / 1_000} s`);
    seat.process?.child.send({ kind: 'clock-step', ms });
    await rest(dice.between(3_000, 6_000));
    seat.process?.child.send({ kind: 'clock-step', ms: 0 });
  },
};

export const processFaults: readonly FaultKind[] = [kill, freezeLong, freezeShort, block, clockStep];
