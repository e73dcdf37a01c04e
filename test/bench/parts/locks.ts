// What does a lock cost? Uncontended, beside the least that a row can do: an insert that gives way, and a delete. Beside ten
// thousand that are held. A tenant that has none. And how soon does the next of a hundred have it, who wait for one lock at
// all replicas?
import pg from 'pg';
import { percentile } from '../../chaos/text-table.js';
import { until } from '../../support/until.js';
import { Carillon } from '../contestants/carillon.js';
import { ratios, show, type Figure } from '../figures.js';
import { holdMany } from '../stand/held-locks.js';
import type { Bench, Part } from './part.js';
import { unlocked } from './unlocked.js';

const PAIRS = { quick: 1_000, full: 5_000 };
const PER_SLICE = 50;
const HELD = 10_000;
const WAITERS = 100;
const REPLICAS = 3;
/** Before them the replicas run code that is not compiled yet, and take twice as long. */
const WARM_UP_LINES = 8;
const TENANT = 'tenant-0';

export const locks: Part = async (bench) => [
  ...(await alone(bench)),
  ...(await unlocked(bench)),
  ...(await handOvers(bench)),
];

/** One session, one pair after the other, a few of each kind in turn: what else the machine does changes by the second. */
async function alone({ server, scale, tell }: Bench): Promise<Figure[]> {
  const empty = await openDoor(await server.createDatabase('locks_alone'));
  const crowded = await openDoor(await server.createDatabase('locks_crowded'));
  const pairs = scale.isQuick ? PAIRS.quick : PAIRS.full;
  const [bare, ours, besides]: [number[], number[], number[]] = [[], [], []];
  try {
    await empty.query('create table public.bare (name text primary key, holder text, until timestamptz)');
    await holdMany(crowded, { tenant: TENANT, count: HELD });
    await crowded.query('vacuum (analyze) carillon.lock_hold');
    for (let round = 0; round < scale.rounds; round += 1) {
      const [ofBare, ofOurs, ofCrowded] = await timesInTurn(pairs, [
        () => barePair(empty),
        () => lockPair(empty),
        () => lockPair(crowded),
      ]);
      bare.push(ofBare);
      ours.push(ofOurs);
      besides.push(ofCrowded);
    }
  } finally {
    await empty.end();
    await crowded.end();
  }
  tell(`locks: a pair ${ours.map(show).join(', ')} ms, bare ${bare.map(show).join(', ')} ms`);
  return [
    { name: 'locks-pair', what: 'locks: acquire and release in SQL', values: ours, unit: 'ms' },
    {
      name: 'locks-vs-bare',
      what: 'locks: acquire and release in SQL, to a bare insert on conflict and delete',
      values: ratios(ours, bare),
      unit: 'times',
      limit: { atMost: 2 },
    },
    {
      name: 'locks-beside-held',
      what: `locks: acquire and release beside ${show(HELD)} that are held, to none`,
      values: ratios(besides, ours),
      unit: 'times',
      limit: { atMost: 1.15 },
    },
  ];
}

async function openDoor(databaseUrl: string): Promise<pg.Client> {
  const carillon = await Carillon.open({ databaseUrl, tenants: 1 });
  await carillon.close();
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  return client;
}

/** The mean of each in milliseconds, of slices that take turns. */
async function timesInTurn<const Acts extends readonly (() => Promise<unknown>)[]>(
  count: number,
  acts: Acts,
): Promise<{ [index in keyof Acts]: number }> {
  const slices = acts.map((): number[] => []);
  for (let slice = 0; slice < count / PER_SLICE; slice += 1)
    for (const [index, act] of acts.entries()) slices[index]?.push(await timeOf(PER_SLICE, act));
  return slices.map((times) => times.reduce((sum, time) => sum + time, 0) / times.length) as {
    [index in keyof Acts]: number;
  };
}

async function timeOf(count: number, act: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  for (let number = 0; number < count; number += 1) await act();
  return (performance.now() - startMs) / count;
}

async function barePair(client: pg.Client): Promise<void> {
  await client.query(
    `insert into public.bare values ($1, $2, clock_timestamp() + interval '30 s') on conflict do nothing returning name`,
    ['door', 'bench'],
  );
  await client.query('delete from public.bare where name = $1', ['door']);
}

async function lockPair(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ token: string }>('select carillon.try_lock($1, $2, $3) as token', [
    TENANT,
    'door',
    'bench',
  ]);
  await client.query('select carillon.release_lock($1, $2, $3)', [TENANT, 'door', rows[0]?.token]);
}

/** Each of the waiters has the lock once, and releases it as soon as it has it. */
async function handOvers({ server, scale, tell }: Bench): Promise<Figure[]> {
  const carillon = await Carillon.open({ databaseUrl: await server.createDatabase('locks_hand_over') });
  const p99: number[] = [];
  try {
    await carillon.staff(REPLICAS);
    for (let line = 0; line < WARM_UP_LINES; line += 1) await handOverGaps(carillon, `warm-up-${line}`);
    for (let round = 0; round < scale.rounds; round += 1) {
      const gaps = await handOverGaps(carillon, `line-${round}`);
      p99.push(percentile(gaps, 0.99));
      tell(
        `locks: ${gaps.length} hand-overs, median ${show(percentile(gaps, 0.5))} ms, p99 ${show(percentile(gaps, 0.99))} ms`,
      );
    }
  } finally {
    await carillon.close();
  }
  return [
    {
      name: 'locks-hand-over-p99',
      what: `locks: from a release to the next of ${WAITERS} waiters at ${REPLICAS} replicas, p99`,
      values: p99,
      unit: 'ms',
      limit: { atMost: 20 },
    },
  ];
}

async function handOverGaps(carillon: Carillon, name: string): Promise<number[]> {
  const path = `/tenants/${TENANT}/locks/${name}`;
  const urlOf = (number: number): string => carillon.urls[number % REPLICAS] ?? '';
  const acquire = async (number: number): Promise<number> => {
    const body = { holder: `h-${number}`, waitSeconds: 50, leaseSeconds: 600 };
    return (await carillon.ask<{ token: number }>(`${path}:acquire`, body, urlOf(number))).token;
  };
  const gaps: number[] = [];
  const first = await acquire(-1 + REPLICAS);
  let releasedAtMs = 0;
  const release = async (token: number, number: number): Promise<void> => {
    releasedAtMs = performance.now();
    await carillon.ask(`${path}:release`, { token }, urlOf(number));
  };
  const lines = Array.from({ length: WAITERS }, async (_, number) => {
    const token = await acquire(number + REPLICAS);
    gaps.push(performance.now() - releasedAtMs);
    await release(token, number);
  });
  await until('all of them wait', async () => {
    const { rowCount } = await carillon.pool.query('select from carillon.lock_wait where name = $1', [name]);
    return rowCount === WAITERS;
  });
  await release(first, REPLICAS - 1);
  await Promise.all(lines);
  return gaps;
}
