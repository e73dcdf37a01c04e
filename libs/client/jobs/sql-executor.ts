// Uses a database connection of the caller, without a driver of our own. The few methods needed here exist on a
// client of `pg`, and on a Kysely instance or transaction.

/** A client, a pool or a pool's client of `pg`. A pool has no transaction: each call commits by itself. */
export interface PgExecutor {
  query(text: string, values: unknown[]): Promise<{ rows: unknown[] }>;
}

/** Kysely, or a transaction of it. */
export interface KyselyExecutor {
  executeQuery(query: RawQuery): Promise<{ rows: unknown[] }>;
}

export type SqlExecutor = PgExecutor | KyselyExecutor;

/** Kysely's compiled query, made by hand: importing its builder would make Kysely a dependency of every client. */
interface RawQuery {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  readonly query: {
    readonly kind: 'RawNode';
    readonly sqlFragments: readonly string[];
    readonly parameters: readonly never[];
  };
  readonly queryId: { readonly queryId: string };
}

export async function queryRows<Row>(
  db: SqlExecutor,
  text: string,
  values: readonly unknown[],
): Promise<Row[]> {
  const { rows } =
    'executeQuery' in db ? await db.executeQuery(rawQuery(text, values)) : await db.query(text, [...values]);
  return rows as Row[]; // what the statement selects
}

function rawQuery(text: string, values: readonly unknown[]): RawQuery {
  return {
    sql: text,
    parameters: values,
    query: { kind: 'RawNode', sqlFragments: [text], parameters: [] },
    queryId: { queryId: 'carillon.enqueue' },
  };
}
