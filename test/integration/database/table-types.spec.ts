// Do the table types say what the migrations have made? Kysely checks the columns of our statements against these types, so
// where they are wrong the compiler approves what the database refuses. Both sides are compared as wholes, and each kind of
// disagreement is made once on purpose.
import type pg from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  columnsThatDiffer,
  declaredTables,
  type Column,
  type ColumnKind,
  type Columns,
} from '../../support/declared-tables.js';
import { openClient } from '../../support/rows.js';
import { createTestDatabase } from '../../support/test-database.js';

const KINDS: Readonly<Record<string, ColumnKind>> = {
  uuid: 'text',
  text: 'text',
  interval: 'object',
  int2: 'number',
  int4: 'number',
  int8: 'number',
  float8: 'number',
  bool: 'boolean',
  timestamptz: 'instant',
  bytea: 'bytes',
  jsonb: 'object',
  _text: 'text[]',
  _uuid: 'text[]',
};

/** Of each table of ours but the partitions, which are like the table that they are a part of. */
async function storedTables(client: pg.Client): Promise<Columns> {
  const { rows } = await client.query<{
    table: string;
    column: string;
    type: string;
    isNullable: boolean;
    hasDefault: boolean;
  }>(`
    select c.relname as table, a.attname as column, t.typname as type, not a.attnotnull as "isNullable",
           a.atthasdef or a.attidentity <> '' as "hasDefault"
      from pg_class c
      join pg_attribute a on a.attrelid = c.oid
      join pg_type t on t.oid = a.atttypid
     where c.relnamespace = 'carillon'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
       and a.attnum > 0 and not a.attisdropped`);
  const tables = new Map<string, Map<string, Column>>();
  for (const { table, column, type, isNullable, hasDefault } of rows) {
    const columns = tables.get(table) ?? new Map<string, Column>();
    columns.set(column, {
      kind: KINDS[type] ?? `unknown: ${type}`,
      isNullable,
      mustBeGiven: !isNullable && !hasDefault,
    });
    tables.set(table, columns);
  }
  return tables;
}

let declared: Columns;

beforeAll(() => {
  declared = declaredTables();
});

describe('the table types', () => {
  it('say of each table and column what a migrated database has', async () => {
    const { url } = await createTestDatabase();
    const client = await openClient(url);
    expect(columnsThatDiffer(declared, await storedTables(client))).toEqual([]);
  });

  it.each([
    [
      'alter table carillon.run add column surplus int',
      'run.surplus: the database has this column, the types have not',
    ],
    [
      'alter table carillon.run drop column losses',
      'run.losses: the types have this column, the database has not',
    ],
    [
      'alter table carillon.run alter column losses drop not null',
      'run.losses: the types say number, not null, may be left out, the database says number, nullable, may be left out',
    ],
    [
      'alter table carillon.run alter column losses drop default',
      'run.losses: the types say number, not null, may be left out, the database says number, not null, must be given',
    ],
    [
      'alter table carillon.run alter column unique_key type jsonb using null',
      'run.unique_key: the types say text, nullable, may be left out, the database says object, nullable, may be left out',
    ],
    ['create table carillon.surplus (id int)', 'surplus: the database has this table, the types have not'],
    ['drop table carillon.claim', 'claim: the types have this table, the database has not'],
  ])('no longer do so after: %s', async (change, difference) => {
    const { url } = await createTestDatabase();
    const client = await openClient(url);
    await client.query(change);
    expect(columnsThatDiffer(declared, await storedTables(client))).toContain(difference);
  });
});
