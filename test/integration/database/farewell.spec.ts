// Does a session come to its end when its other end is gone without a word?
import { expect, it, onTestFinished } from 'vitest';
import { openSession } from '#database/sessions/session-connection.js';
import { startDatabaseProxy } from '#test/support/database-proxy.js';
import { createTestDatabase } from '#test/support/test-database.js';

it('closes a session whose peer says no more', async () => {
  const database = await createTestDatabase();
  const proxy = await startDatabaseProxy(database.url);
  onTestFinished(async () => {
    await proxy.cut();
    await database.drop();
  });
  const session = await openSession({
    url: proxy.url,
    applicationName: 'farewell',
    deadAfterMs: 5_000,
    direct: true,
    onLost: () => undefined,
    onNotification: () => undefined,
  });
  proxy.forget();
  await session.close();
  expect(session.endedBy).not.toBeNull();
});
