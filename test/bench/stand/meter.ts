// What does it cost? Between two looks: processor time of the processes that do it and of the server, statements, bytes
// of WAL, and blocks touched. Statements and blocks are those of pg_stat_statements, which are counted at once; where
// it is missing they are not known, since the counters of pg_stat_database come late and know no statements.
import pg from 'pg';
import { statOf, timeOf, timeOfFamily, timeOfMachine } from './processor-time.js';

export interface Cost {
  readonly nodeMs: number;
  readonly postgresMs: number;
  readonly statements: number;
  readonly walBytes: number;
  readonly blocks: number;
  /** Processor time of all that has nothing to do with this. */
  readonly othersMs: number;
}

export interface StatementCost {
  readonly calls: number;
  readonly rows: number;
  readonly tookMs: number;
}

interface Counters {
  statements: number;
  blocks: number;
  wal: number;
}

/** Its own statements bear a mark, and are not counted. */
const COUNTED = `
  select /* bench */ coalesce(sum(calls), 0)::float8 as statements,
         coalesce(sum(shared_blks_hit + shared_blks_read), 0)::float8 as blocks,
         (pg_current_wal_lsn() - '0/0')::float8 as wal
    from pg_stat_statements s
    join pg_database d on d.oid = s.dbid and d.datname = current_database()
   where s.query not like '%/* bench */%'`;
const UNCOUNTED = `
  select /* bench */ 'NaN'::float8 as statements, 'NaN'::float8 as blocks, (pg_current_wal_lsn() - '0/0')::float8 as wal`;

export class Meter {
  readonly #client: pg.Client;
  readonly #question: string;
  /** Null if the server is not on this machine. */
  readonly #postmaster: number | null;

  private constructor(client: pg.Client, question: string, postmaster: number | null) {
    this.#client = client;
    this.#question = question;
    this.#postmaster = postmaster;
  }

  /** For the database of one contestant. */
  static async open(url: string): Promise<Meter> {
    const client = new pg.Client({ connectionString: url, application_name: 'bench-meter' });
    client.on('error', () => undefined);
    await client.connect();
    const isCounted = await client.query(COUNTED).then(
      () => true,
      () => false,
    );
    const { rows } = await client.query<{ pid: number }>('select /* bench */ pg_backend_pid() as pid');
    const backend = statOf(rows[0]?.pid ?? 0);
    // Of a server on another machine the number may be another process's here.
    const postmaster = backend?.name === 'postgres' ? backend.parent : null;
    return new Meter(client, isCounted ? COUNTED : UNCOUNTED, postmaster);
  }

  /** Begins; the answer ends, and tells what was used in between. */
  async start(pids: () => readonly number[]): Promise<() => Promise<Cost>> {
    const before = await this.#look(pids());
    return async () => {
      const after = await this.#look(pids());
      return {
        nodeMs: after.nodeMs - before.nodeMs,
        postgresMs: after.postgresMs - before.postgresMs,
        statements: after.statements - before.statements,
        walBytes: after.walBytes - before.walBytes,
        blocks: after.blocks - before.blocks,
        othersMs: after.othersMs - before.othersMs,
      };
    };
  }

  /** Begins; the answer tells how many commits of the server were written since then. NaN where it can't read its log. */
  async countCommits(): Promise<() => Promise<number>> {
    const { rows } = await this.#client.query<{ at: string }>(
      'select /* bench */ pg_current_wal_lsn() as at',
    );
    return async () => {
      const counted = await this.#client
        .query<{ commits: number }>(
          `select /* bench */ coalesce(sum(count), 0)::float8 as commits from pg_get_wal_stats($1, pg_current_wal_lsn(), true)
            where "resource_manager/record_type" = 'Transaction/COMMIT'`,
          [rows[0]?.at],
        )
        .catch(() => undefined);
      return counted?.rows[0]?.commits ?? Number.NaN;
    };
  }

  /** Of all statements like this one, since the server counts. */
  async statement(like: string): Promise<StatementCost> {
    if (this.#question !== COUNTED) return { calls: Number.NaN, rows: Number.NaN, tookMs: Number.NaN };
    const { rows } = await this.#client.query<StatementCost>(
      `select /* bench */ coalesce(sum(calls), 0)::float8 as calls, coalesce(sum(rows), 0)::float8 as rows,
              coalesce(sum(total_exec_time), 0)::float8 as "tookMs"
         from pg_stat_statements s
         join pg_database d on d.oid = s.dbid and d.datname = current_database()
        where s.query like $1 and s.query not like '%/* bench */%'`,
      [like],
    );
    return rows[0] ?? { calls: 0, rows: 0, tookMs: 0 };
  }

  async close(): Promise<void> {
    await this.#client.end();
  }

  async #look(pids: readonly number[]): Promise<Cost> {
    const { rows } = await this.#client.query<Counters>(this.#question);
    const nodeMs = timeOf(pids);
    const postgresMs = this.#postmaster === null ? Number.NaN : timeOfFamily(this.#postmaster);
    return {
      nodeMs,
      postgresMs,
      othersMs: timeOfMachine() - nodeMs - postgresMs - timeOf([process.pid]),
      statements: rows[0]?.statements ?? Number.NaN,
      walBytes: rows[0]?.wal ?? Number.NaN,
      blocks: rows[0]?.blocks ?? Number.NaN,
    };
  }
}
