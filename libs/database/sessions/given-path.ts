// Where are the tables of a handler's own? Our statements look for names in pg_catalog alone; what a handler writes in the
// transaction that completes its run goes where the database, the role or the URL says. Only a session that says nothing
// about it can tell, so one is opened for that question.
import { connectDatabase } from '#database/connection.js';
import { readPath } from './session-report.repository.js';

export async function givenPath(url: string): Promise<string> {
  const db = connectDatabase({
    url,
    applicationName: 'carillon-path',
    maxConnections: 1,
    statementTimeoutMs: 8_000,
    keepsPath: true,
    onError: () => undefined, // the statement reports the same break
  });
  try {
    return await readPath(db);
  } finally {
    await db.destroy();
  }
}
