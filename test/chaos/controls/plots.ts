// Which moment shows that a fence is missing? Each plot brings the cluster into the one interleaving that the fence is
// there for, by locks and slow triggers in the database and by the proxies, not by luck. With the product as it is,
// each of them ends well; that is checked, too.
import { setTimeout as rest } from 'node:timers/promises';
import { LIVENESS_LOCK } from '#database/advisory-locks.js';
import { until } from '../../support/until.js';
import { proxyOf } from '../cluster.js';
import { AT_ONCE } from '../faults.js';
import type { Harness } from '../harness.js';
import { actors, DEADLY, fault, holding, runUnderWay, untilDead, type Actor, type Plot } from './plot.js';

/** After the last act: time for what must come right, and for what can't. */
const AFTERMATH_MS = 7_000;

/** Nothing happens at all. */
export const quiet: Plot = async () => {
  await rest(AFTERMATH_MS);
  return [];
};

/**
 * A leader loses its session in the middle of a planning transaction, and goes on with it when another one leads. It gets
 * no new session before that: it would lead again, and plans nothing twice by itself.
 */
export const deposedLeaderWrites: Plot = async (harness) => {
  const { witness } = harness;
  const { leader } = await actors(harness);
  const { term } = await witness.askOne<{ term: number }>('select term::int from carillon.leadership');
  await witness.ask(slowPlanning(leader.number));
  await until(
    'the leader is in the middle of a plan',
    async () =>
      (
        await witness.ask(
          `select 1 from pg_stat_activity where application_name = $1 and wait_event = 'PgSleep'`,
          [`carillon:${leader.number}`],
        )
      ).length > 0,
  );
  const deposed = await fault('control-session-ended', leader, {
    led: true,
    kind: { limits: { ...AT_ONCE, termMs: 4_000 } }, // a new term waits for the write that is under way
    act: async () => {
      await proxyOf(leader.seat).weather({ kind: 'blackhole' }, ['session']);
      await endControlSession(harness, leader);
      await until(
        'another term has begun',
        async () =>
          (await witness.askOne<{ term: number }>('select term::int from carillon.leadership')).term > term,
      );
      await proxyOf(leader.seat).weather({ kind: 'normal' }, ['session']);
    },
  });
  await witness.ask('drop trigger chaos_slow on carillon.fire');
  await rest(AFTERMATH_MS);
  return [deposed];
};

function slowPlanning(replica: number): string {
  return `
    create function chaos.be_slow() returns trigger language plpgsql as $$
      begin
        if current_setting('application_name') = 'carillon:${replica}' then perform pg_sleep(3); end if;
        return null;
      end $$;
    create trigger chaos_slow before insert on carillon.fire for each statement execute function chaos.be_slow();`;
}

export async function endControlSession({ witness }: Harness, { number }: Actor): Promise<void> {
  await witness.ask(
    `select pg_terminate_backend(a.pid) from pg_stat_activity a join pg_locks l using (pid)
      where a.application_name = $1 and l.locktype = 'advisory' and l.classid = ${LIVENESS_LOCK}::oid`,
    [`carillon:${number}`],
  );
}

/** A follower can write, but is not heard; what it has finished reaches the database after it was declared dead. */
export const deadReplicaCompletes: Plot = async (harness) => {
  const { follower } = await actors(harness);
  const { claim } = await runUnderWay(harness, follower, { jobType: 'sleep', ms: 1_500 });
  const silenced = await fault('control-blackhole', follower, {
    kind: DEADLY,
    act: async () => {
      await proxyOf(follower.seat).weather({ kind: 'blackhole' }, ['session']);
      // The claim can neither be completed nor be revoked before that; then both may try.
      await holding(harness, claim, async () => {
        await untilDead(harness, follower);
        await rest(1_500);
      });
      await rest(1_500);
      await proxyOf(follower.seat).weather({ kind: 'normal' });
    },
  });
  await rest(AFTERMATH_MS);
  return [silenced];
};

/** A follower is cut off with a finished run; it comes back to the database while another one runs it again. */
export const strayCompletion: Plot = async (harness) => {
  const { follower } = await actors(harness);
  await runUnderWay(harness, follower, { jobType: 'sleep', ms: 3_000 });
  const silenced = await fault('blackhole', follower, {
    kind: DEADLY,
    act: async () => {
      await proxyOf(follower.seat).weather({ kind: 'blackhole' });
      await untilDead(harness, follower);
      await rest(700);
      await proxyOf(follower.seat).weather({ kind: 'normal' }, ['work']);
      await rest(2_000);
      await proxyOf(follower.seat).weather({ kind: 'normal' });
    },
  });
  await rest(AFTERMATH_MS);
  return [silenced];
};

export const killedWithWork: Plot = async (harness) => {
  const { follower } = await actors(harness);
  await runUnderWay(harness, follower, { jobType: 'sleep', ms: 1_500 });
  const killed = await fault('kill', follower, {
    kind: { death: 'must' },
    act: () => harness.cluster.kill(follower.seat),
  });
  await rest(AFTERMATH_MS);
  await harness.cluster.occupy(follower.seat);
  await rest(AFTERMATH_MS);
  return [killed];
};

/** The control session is gone for a moment, and its lock with it; the replica works on. */
export const lockFree: Plot = async (harness) => {
  const { follower } = await actors(harness);
  const ended = await fault('control-session-lost', follower, {
    act: async () => {
      await proxyOf(follower.seat).weather({ kind: 'blackhole' }, ['session']);
      await endControlSession(harness, follower);
      await rest(1_500);
      await proxyOf(follower.seat).weather({ kind: 'normal' }, ['session']);
    },
  });
  await rest(AFTERMATH_MS);
  return [ended];
};

export const controlSessionEnded: Plot = async (harness) => {
  const { follower } = await actors(harness);
  const ended = await fault('control-session-ended', follower, {
    act: () => endControlSession(harness, follower),
  });
  await rest(AFTERMATH_MS);
  return [ended];
};

/** Longer than the cluster takes to drop what it has never heard of. */
const FORGOTTEN_MS = 27_000;

export const claimUnheardOf: Plot = async (harness) => {
  const { follower } = await actors(harness);
  const lost = await fault('claim-answer-lost', follower, {
    act: async () => {
      let isLost = false;
      proxyOf(follower.seat).answerLost.subscribe(() => (isLost = true));
      await proxyOf(follower.seat).order({
        kind: 'lose-answer',
        channels: ['work'],
        tag: 'COMMIT',
        after: 'insert into carillon.claim',
      });
      await until('the answer to a claim is lost', () => isLost);
    },
  });
  await rest(FORGOTTEN_MS);
  return [lost];
};

/** A follower hands its slots over while a run of its own is at the harness's endpoint. */
export const handedOverUnderWay: Plot = async (harness) => {
  const { leader, follower } = await actors(harness);
  await runUnderWay(harness, follower, { jobType: 'call', ms: 4_000 });
  const order = (what: string) =>
    harness.cluster.call(leader.seat, `/api/v1/cluster/replicas/${follower.number}:${what}`, {});
  const drained = await fault('drain', follower, {
    kind: { limits: { ...AT_ONCE, slotsMs: 5_000 } },
    act: async () => {
      await order('drain');
      await rest(6_000);
      await order('undrain');
    },
  });
  await rest(AFTERMATH_MS);
  return [drained];
};
