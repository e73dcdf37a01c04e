// Does `npm run doctor` tell of a real server what there is, and of one that is not there what to mend?
import { expect, it, onTestFinished } from 'vitest';
import { doctor } from '../../../apps/cli/doctor/doctor.js';
import { until } from '../../support/until.js';
import { openClient } from '../../support/rows.js';
import { useTestDatabase } from '../../support/test-database.js';
import { startTestServer } from '../../support/test-server.js';

const database = useTestDatabase();

it('prints the budget of the replicas that live, and a replica opens no more than its own', async () => {
  const server = await startTestServer({ databaseUrl: database.url });
  onTestFinished(() => server.stop());
  expect((await doctor({}, { databaseUrl: database.url })).text).toMatch(
    /^the database of the npm start that runs here, since DATABASE_URL is not set\n/,
  );
  const { text } = await doctor({ DATABASE_URL: database.url, CARILLON_API_CONNECTIONS: '4' });
  expect(text).toMatch(/a replica opens at most +13\n/);
  expect(text).toMatch(/the 1 living replicas, with settings like these +13\n/);
  expect(text).toMatch(/max_connections +\d+\n/);
  expect(text).toContain('ok       all migrations are applied');
  expect(text).toContain('ok       the control session is direct and on a primary');
  expect(text).toContain('ok       no session holds an old snapshot');
  expect(text).toContain('ok       endpoints get an address that can be called');
  const open = await doctor({ DATABASE_URL: database.url, CARILLON_HOST: '0.0.0.0' });
  expect(open.text).toContain('warning  CARILLON_HOST=0.0.0.0 is no address that can be called');
});

it('names who holds an old snapshot', async () => {
  const holder = await openClient(database.url);
  await holder.query("set application_name = 'nightly-report'");
  await holder.query('begin isolation level repeatable read');
  await holder.query('select 1');
  const named =
    /warning  pid \d+ \(nightly-report, user .*, idle in transaction, .* keeps dead rows for \d+ s/;
  await until('the snapshot is old enough to be told of', async () => {
    const { text } = await doctor({ DATABASE_URL: database.url, CARILLON_HORIZON_WARN_SECONDS: '1' });
    return named.test(text);
  });
});

it('says what is wrong with DATABASE_URL, and tells no password', async () => {
  await expect(doctor({})).rejects.toThrow(
    'DATABASE_URL: expected the URL of the database to examine, got nothing; and no npm start runs here, whose database would be used',
  );
  await expect(doctor({ DATABASE_URL: 'mysql://x' })).rejects.toThrow('expected a postgres:// URL');
  const nobody = doctor({ DATABASE_URL: 'postgres://me:pa55word@127.0.0.1:1/none' });
  await expect(nobody).rejects.toThrow(
    /^DATABASE_URL: expected a database that answers at 127\.0\.0\.1:1\/none, got .*ECONNREFUSED/,
  );
  await expect(nobody).rejects.not.toThrow(/pa55word/);
});
