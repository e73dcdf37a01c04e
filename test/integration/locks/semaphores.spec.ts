// Does a semaphore give no more permits than it has, to any number of callers?
import { beforeEach, expect, it } from 'vitest';
import { deleteSemaphore, putSemaphore } from '#locks/semaphores.js';
import { useLocks } from '../../support/locks.js';
import { openTransaction } from '../../support/open-transaction.js';
import { useTestDatabase } from '../../support/test-database.js';

const { db } = useTestDatabase({ per: 'file', maxConnections: 12 });
const locks = useLocks(db);
const { ask, hold, release } = locks;

beforeEach(async () => {
  const ref = { tenantId: locks.tenantId, name: 'door', revision: null };
  await putSemaphore(db, ref, { permits: 3, mayCreate: true, mayReplace: true });
});

it('a semaphore gives no more permits than it has', async () => {
  const two = await hold({ mode: 'permits', permits: 2 });
  expect(await ask({ mode: 'permits', permits: 2 })).toEqual({ kind: 'taken' });
  await hold({ mode: 'permits' });
  expect(await ask({ mode: 'permits' })).toEqual({ kind: 'taken' });
  await release(two);
  expect((await ask({ mode: 'permits', permits: 2 })).kind).toBe('held');
});

it('a semaphore gives none too many to many who ask at once', async () => {
  const answers = await Promise.all(Array.from({ length: 12 }, () => ask({ mode: 'permits' })));
  expect(answers.filter(({ kind }) => kind === 'held')).toHaveLength(3);
});

it('a semaphore excludes a holder of the whole of it', async () => {
  const one = await hold({ mode: 'permits' });
  expect(await ask()).toEqual({ kind: 'taken' });
  expect(await ask({ mode: 'shared' })).toEqual({ kind: 'taken' });
  await release(one);
  await hold();
  expect(await ask({ mode: 'permits' })).toEqual({ kind: 'taken' });
});

it('a semaphore says what it can never give', async () => {
  expect(await ask({ mode: 'permits', permits: 4 })).toEqual({
    kind: 'too-few-permits',
    name: 'door',
    permits: 3,
  });
  expect(await ask({ mode: 'permits', names: ['gate'] })).toEqual({ kind: 'no-semaphore', name: 'gate' });
});

it('a semaphore is not deleted while a transaction that takes a permit is open', async () => {
  const { tenantId } = locks;
  await putSemaphore(
    db,
    { tenantId, name: 'door', revision: null },
    { permits: 1, mayCreate: true, mayReplace: true },
  );
  const open = await openTransaction(async (pause) =>
    db.transaction().execute(async (tx) => {
      await ask({ mode: 'permits' }, tx);
      await pause();
    }),
  );
  const deleting = async () => deleteSemaphore(db, { tenantId, name: 'door', revision: null });
  expect(await deleting()).toEqual({ kind: 'in-use', uses: 1 });
  await open.letGo();
  expect(await deleting()).toEqual({ kind: 'in-use', uses: 1 });
});

it('a semaphore with fewer permits than are held gives one when enough were released', async () => {
  const holds = [await hold({ mode: 'permits' }), await hold({ mode: 'permits' })];
  await putSemaphore(
    db,
    { tenantId: locks.tenantId, name: 'door', revision: null },
    { permits: 1, mayCreate: true, mayReplace: true },
  );
  expect(await ask({ mode: 'permits' })).toEqual({ kind: 'taken' });
  for (const each of holds) {
    expect(await ask({ mode: 'permits' })).toEqual({ kind: 'taken' });
    await release(each);
  }
  expect((await ask({ mode: 'permits' })).kind).toBe('held');
});
