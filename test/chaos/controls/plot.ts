// What do the directed scenes have in common? A fault with a name, so that the checker can judge it; a replica that
// leads and one that does not; and rows to wait for.
import { setTimeout as rest } from 'node:timers/promises';
import pg from 'pg';
import { until } from '../../support/until.js';
import type { Seat } from '../cluster.js';
import { AFTER_SILENCE, AT_ONCE, type FaultKind, type FaultRecord } from '../faults.js';
import type { Harness } from '../harness.js';
import type { Post } from '../workload.js';

/** What a scene tells the checker that it did. */
export type Plot = (harness: Harness) => Promise<FaultRecord[]>;

export interface Actor {
  readonly seat: Seat;
  readonly number: number;
}

export async function actors({ cluster }: Harness): Promise<{ leader: Actor; follower: Actor }> {
  const leader = await cluster.leader();
  const follower = cluster.seats.find((seat) => seat !== leader);
  if (leader === null || follower === undefined)
    throw new Error('expected a leader and a follower, got fewer');
  return { leader: await actor(leader), follower: await actor(follower) };

  async function actor(seat: Seat): Promise<Actor> {
    const number = await cluster.numberOf(seat);
    if (number === null) throw new Error(`expected ${seat.name} to be a member, got none`);
    return { seat, number };
  }
}

const unexpected = async (): Promise<void> => {
  throw new Error('expected a scene to strike by itself');
};
const kindOf = (name: string, kind: Partial<FaultKind>): FaultKind => ({
  name,
  death: 'never',
  from: 'strike',
  limits: AT_ONCE,
  strike: unexpected,
  ...kind,
});

/** For those who may be declared dead after a lease, and for those who may not be at all. */
export const DEADLY: Partial<FaultKind> = { death: 'must', limits: AFTER_SILENCE };

/** Notes what `act` does as a fault of that seat. */
export async function fault(
  name: string,
  { seat, number }: Actor,
  { led = false, kind = {}, act }: { led?: boolean; kind?: Partial<FaultKind>; act: () => Promise<void> },
): Promise<FaultRecord> {
  const record: FaultRecord = {
    kind: kindOf(name, kind),
    struck: [{ seat: seat.name, replica: number, led }],
    startedAtMs: Date.now(),
    healedAtMs: Number.POSITIVE_INFINITY,
    notes: [],
  };
  await act();
  record.healedAtMs = Date.now();
  return record;
}

async function tenantOf({ witness }: Harness, { number }: Actor): Promise<string> {
  const { name } = await witness.askOne<{ name: string }>(
    `select t.name from carillon.tenant t join carillon.slot_owner o using (slot)
      where o.owner = $1 and o.target is null and t.name like 'tenant-%' order by t.name limit 1`,
    [number],
  );
  return name;
}

/** A run of the actor's, under way; resolves with its claim. */
export async function runUnderWay(
  harness: Harness,
  whose: Actor,
  wish: { jobType: string; ms: number },
): Promise<{ run: string; claim: string }> {
  const post: Post = await harness.poster.post(whose.seat, {
    tenant: await tenantOf(harness, whose),
    jobType: wish.jobType,
    payload: { ms: wish.ms },
    expected: 'succeeded',
  });
  if (post.id === null) throw new Error(`expected a run, got ${post.said}`);
  const { id } = await until('the run is claimed', async () => {
    const [claim] = await harness.witness.ask<{ id: string }>(
      'select id from carillon.claim where replica = $1 and $2 = any(run_ids)',
      [whose.number, post.id],
    );
    return claim;
  });
  await rest(200);
  return { run: post.id, claim: id };
}

export async function untilDead({ witness }: Harness, { number }: Actor): Promise<void> {
  await until(
    `replica ${number} is declared dead`,
    async () =>
      (await witness.ask(`select 1 from carillon.replica where number = $1 and state = 'dead'`, [number]))
        .length > 0,
  );
}

/** Holds a lock on the row for as long as `meanwhile` takes. */
export async function holding(
  { databaseUrl }: Harness,
  claim: string,
  meanwhile: () => Promise<void>,
): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('begin');
    await client.query('select 1 from carillon.claim where id = $1 for update', [claim]);
    await meanwhile();
    await client.query('commit');
  } finally {
    await client.end();
  }
}
