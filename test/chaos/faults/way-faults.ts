// What happens on the way to the database? Sessions are ended by the server, connections are cut, delayed, silenced
// or lose one direction, on both ways of a replica or on one of them, and the answer to a COMMIT gets lost.
import { setTimeout as rest } from 'node:timers/promises';
import { LIVENESS_LOCK } from '#database/advisory-locks.js';
import { until } from '../../support/until.js';
import { proxyOf } from '../cluster.js';
import { AFTER_SILENCE, AFTER_WORK_TIMEOUT, AT_ONCE, type Blow, type FaultKind } from '../faults.js';
import { CHANNELS, type Channel, type Order, type Weather } from '../proxy-orders.js';

const PAST_DEATH_MS = 7_000;
const ANSWER_LIMIT_MS = 8_000;

const controlEnded: FaultKind = {
  name: 'control-session-ended',
  death: 'never',
  from: 'strike',
  limits: AT_ONCE,
  strike: (blow) =>
    endSessions(
      blow,
      `and exists (select 1 from pg_locks l where l.pid = a.pid and l.locktype = 'advisory' and l.classid = ${LIVENESS_LOCK}::oid)`,
    ),
};

/** To its peers it looks like a crash until it is back, which takes it some milliseconds; a sweep later it would be one. */
const sessionsEnded: FaultKind = {
  name: 'all-sessions-ended',
  death: 'may',
  from: 'strike',
  limits: AT_ONCE,
  strike: (blow) => endSessions(blow, ''),
};

async function endSessions({ cluster, seat, witness, note }: Blow, which: string): Promise<void> {
  const ended = await witness.ask(
    `select pg_terminate_backend(a.pid) from pg_stat_activity a where a.application_name = $1 ${which}`,
    [`carillon:${await cluster.numberOf(seat)}`],
  );
  note(`${ended.length} sessions`);
  await rest(1_000);
}

/** It is back before the next sweep, unless the machine is busy. */
const cut: FaultKind = {
  name: 'cut',
  death: 'may',
  from: 'strike',
  limits: AT_ONCE,
  async strike({ seat }) {
    await proxyOf(seat).order({ kind: 'cut', channels: CHANNELS });
    await rest(1_000);
  },
};

/** The control session finds out with its next beat; what is under way on the others, when its time is up. */
const forgotten: FaultKind = {
  name: 'connections-forgotten',
  death: 'never',
  from: 'strike',
  limits: AFTER_WORK_TIMEOUT,
  async strike({ seat }) {
    await proxyOf(seat).order({ kind: 'forget', channels: CHANNELS });
    await rest(1_000);
  },
};

async function endure(
  { seat }: Blow,
  { weather, ms, channels = CHANNELS }: { weather: Weather; ms: number; channels?: readonly Channel[] },
): Promise<void> {
  await proxyOf(seat).weather(weather, channels);
  await rest(ms);
  await proxyOf(seat).weather({ kind: 'normal' }, channels);
}

const delay: FaultKind = {
  name: 'delay-500ms',
  death: 'never',
  from: 'strike',
  limits: AFTER_SILENCE,
  strike: (blow) =>
    endure(blow, { weather: { kind: 'delay', ms: 250 }, ms: blow.dice.between(4_000, 8_000) }),
};

const blackhole: FaultKind = {
  name: 'blackhole-7s',
  death: 'must',
  from: 'strike',
  limits: AFTER_SILENCE,
  strike: (blow) => endure(blow, { weather: { kind: 'blackhole' }, ms: PAST_DEATH_MS }),
};

/** It can still write, but its beats reach no server: the fences alone keep it from doing harm. */
const controlSilenced: FaultKind = {
  name: 'control-blackhole-7s',
  death: 'must',
  from: 'strike',
  limits: AFTER_SILENCE,
  strike: (blow) =>
    endure(blow, { weather: { kind: 'blackhole' }, ms: PAST_DEATH_MS, channels: ['session'] }),
};

/** It beats, but can do no work; the others have no reason to act. */
const workSilenced: FaultKind = {
  name: 'work-blackhole-4s',
  death: 'never',
  from: 'strike',
  limits: { ...AFTER_SILENCE, termMs: Infinity },
  strike: (blow) => endure(blow, { weather: { kind: 'blackhole' }, ms: 4_000, channels: ['work'] }),
};

const halfOpenUp: FaultKind = {
  name: 'half-open-up-7s',
  death: 'must',
  from: 'strike',
  limits: AFTER_SILENCE,
  strike: (blow) => endure(blow, { weather: { kind: 'half-open', deaf: 'server' }, ms: PAST_DEATH_MS }),
};

const halfOpenDown: FaultKind = {
  name: 'half-open-down-7s',
  death: 'must',
  from: 'strike',
  limits: AFTER_SILENCE,
  strike: (blow) => endure(blow, { weather: { kind: 'half-open', deaf: 'client' }, ms: PAST_DEATH_MS }),
};

const CLAIM = 'insert into carillon.claim';
const COMPLETION = 'insert into carillon.run_history';

const commitLost = (
  name: string,
  order: Omit<Extract<Order, { kind: 'lose-answer' }>, 'kind' | 'channels'>,
): FaultKind => ({
  name,
  death: 'never',
  from: 'strike',
  limits: { ...AT_ONCE, latenessMs: 3_000 },
  async strike({ seat, note }) {
    let lost = '';
    const unsubscribe = proxyOf(seat).answerLost.subscribe(
      ({ channel, tag }) => (lost = `${tag} on the ${channel} way`),
    );
    await proxyOf(seat).order({ kind: 'lose-answer', channels: CHANNELS, ...order });
    await until('an answer is lost', () => lost !== '', ANSWER_LIMIT_MS).catch(() => undefined);
    unsubscribe();
    note(lost === '' ? 'no such answer came by' : lost);
    // What has not been lost by now stays armed otherwise, and would strike in the time of another fault.
    if (lost === '') await proxyOf(seat).order({ kind: 'lose-answer', channels: CHANNELS, tag: '-' });
    await rest(1_000);
  },
});

export const wayFaults: readonly FaultKind[] = [
  controlEnded,
  sessionsEnded,
  cut,
  forgotten,
  delay,
  blackhole,
  controlSilenced,
  workSilenced,
  halfOpenUp,
  halfOpenDown,
  commitLost('commit-answer-lost', { tag: 'COMMIT' }),
  commitLost('claim-answer-lost', { tag: 'COMMIT', after: CLAIM }),
  commitLost('completion-answer-lost', { tag: 'COMMIT', after: COMPLETION }),
  commitLost('insert-answer-lost', { tag: 'INSERT' }),
];
