// How long does a key that was revoked elsewhere go on being accepted?
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { beforeEach, expect, it } from 'vitest';
import { hashedKey, KeyRing, nameAdminKey } from '#tenancy/api-keys.js';
import { FakeClock } from '../../support/fake-clock.js';
import { useTestDatabase } from '../../support/test-database.js';
import { until } from '../../support/until.js';

const ADMIN = { role: 'admin' };
const { db } = useTestDatabase({ per: 'file' });
let clock: FakeClock;
let ring: KeyRing;
let secret: string;

beforeEach(async () => {
  clock = new FakeClock();
  ring = new KeyRing(db, clock);
  secret = randomUUID();
  await nameAdminKey(db, secret);
  await ring.principalOf(hashedKey(secret));
});

const revoke = () => sql`update carillon.api_key set revoked_at = clock_timestamp()`.execute(db);

it('five seconds at most if nobody used it in between', async () => {
  await revoke();
  clock.advance(2_000);
  expect(await ring.principalOf(hashedKey(secret))).toMatchObject(ADMIN);
  clock.advance(3_000);
  expect(await ring.principalOf(hashedKey(secret))).toBeUndefined();
});

it('half as long if it is in use, and no request waits', async () => {
  await revoke();
  clock.advance(2_500);
  expect(await ring.principalOf(hashedKey(secret))).toMatchObject(ADMIN);
  await until('it is refused', async () => (await ring.principalOf(hashedKey(secret))) === undefined);
});

it('not at all once this replica knows', async () => {
  await revoke();
  ring.forget();
  expect(await ring.principalOf(hashedKey(secret))).toBeUndefined();
});

it('is read again as often as need be', async () => {
  for (let seconds = 0; seconds < 30; seconds += 1) {
    clock.advance(1_000);
    expect(await ring.principalOf(hashedKey(secret))).toMatchObject(ADMIN);
  }
  await revoke();
  clock.advance(5_000);
  expect(await ring.principalOf(hashedKey(secret))).toBeUndefined();
});

it('is asked for once, however many requests come with it', async () => {
  let statements = 0;
  const counted = db.withPlugin({
    transformQuery: ({ node }) => {
      statements += 1;
      return node;
    },
    transformResult: ({ result }) => Promise.resolve(result),
  });
  const busy = new KeyRing(counted, clock);
  const crowd = () => Promise.all(Array.from({ length: 500 }, () => busy.principalOf(hashedKey(secret))));
  expect([...new Set(await crowd())]).toMatchObject([ADMIN]);
  expect(statements).toBe(1);
  clock.advance(5_000);
  await crowd();
  expect(statements).toBe(2);
  // What was asked before a revocation that this replica knows of is not remembered after it.
  clock.advance(5_000);
  const before = crowd();
  await revoke();
  busy.forget();
  await before;
  expect(await busy.principalOf(hashedKey(secret))).toBeUndefined();
});
