// Does a debounced call find the run that waits under its key by a look at an index, with any statistics, and does a pass
// that lets runs in read no others?
import { sql } from 'kysely';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Tx } from '#database/connection.js';
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import * as debounced from '#execution/intake/debounce/debounced.repository.js';
import { asId } from '#kernel/ids.js';
import { explained } from '../../support/explained.js';
import { newRunOf } from '../../support/rows.js';
import {
  describeTables,
  fillTables,
  forgetStatistics,
  pretendDrained,
  type SkewedTables,
} from '../../support/skewed-tables.js';
import { useTestDatabase } from '../../support/test-database.js';
import { wholeTables } from '../../support/whole-tables.js';

const FILLING_MS = 600_000;

const database = useTestDatabase({ per: 'file', statementTimeoutMs: FILLING_MS });
const { db } = database;
let on: SkewedTables;

beforeAll(async () => {
  await sql`analyze`.execute(db);
  await fillTables(db);
  on = await describeTables(db);
}, FILLING_MS);

const calls = () => {
  const tenant = on.tenants[0] ?? { id: asId.tenant(randomUUIDv7()), slot: asId.slot(0) };
  return on.runs.map((key) => ({
    run: newRunOf(tenant, { delayMs: 5_000 }),
    key,
    maxDelayMs: 60_000,
  }));
};

const statements: Record<string, (tx: Tx) => Promise<unknown>> = {
  'calls that make or move runs': (tx) => debounced.insertOrMove(tx, calls()),
  'calls beyond a quota': (tx) => debounced.moveWaiting(tx, calls()),
  'runs that are let in': (tx) => debounced.letIn(tx, { limit: 1_000 }),
  'the next run to be let in': (tx) => debounced.nextInMs(tx),
};

describe.each(['known while they were empty', 'never analysed', 'analysed', 'known while they were drained'])(
  'on tables that are %s',
  (known) => {
    beforeAll(async () => {
      if (known === 'never analysed') await forgetStatistics(db);
      if (known === 'analysed') await sql`analyze`.execute(db);
      if (known === 'known while they were drained') await pretendDrained(db);
    }, FILLING_MS);

    it.each(Object.keys(statements))('%s read no whole table', async (name) => {
      const plans = await explained(
        { url: database.url, walksIndexes: !name.startsWith('calls') },
        (tx) => statements[name]?.(tx as Tx) ?? Promise.resolve(),
      );
      expect(plans.length).toBeGreaterThan(0);
      expect(plans.flatMap(wholeTables)).toEqual([]);
    });
  },
);
