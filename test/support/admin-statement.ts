// How does the test support talk to the server outside of any test? By one statement on a connection made
// for it: `create database` and `drop database` want no transaction and no pool. Apart from
// test-database.ts because the global setup runs where vitest's test API can't be loaded.
import pg from 'pg';

export async function runStatement<Row extends pg.QueryResultRow>(
  url: string,
  statement: string,
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined); // the statement reports the same break
  await client.connect();
  try {
    return (await client.query<Row>(statement)).rows;
  } finally {
    await client.end();
  }
}

/** The same server and user, another database. */
export function withDatabase(url: string, name: string): string {
  return Object.assign(new URL(url), { pathname: `/${name}` }).href;
}
