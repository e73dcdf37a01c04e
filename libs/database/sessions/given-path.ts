// Where are a handler's own tables? Our statements resolve names in pg_catalog alone. A handler's statements in the
// transaction that completes its run follow the search_path of the database, the role or the URL. Only a session that
// sets no path can tell it, so one is opened for that question.
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
