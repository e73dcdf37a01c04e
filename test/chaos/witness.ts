// How does the harness look at the database? Past every proxy, on connections of its own, and patiently: a server
// that is being restarted is no reason for the harness to fail.
import { setTimeout as rest } from 'node:timers/promises';
import pg from 'pg';
import { isDatabaseError } from '#database/error-kind.js';

const PATIENCE_MS = 20_000;
const AGAIN_MS = 25;

export class Witness {
  readonly #pool: pg.Pool;

  constructor(url: string) {
    this.#pool = new pg.Pool({
      connectionString: url,
      application_name: 'chaos-witness',
      max: 4,
      connectionTimeoutMillis: 5_000,
    });
    this.#pool.on('error', () => undefined);
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
  }

  /** Asks until there is an answer; for reading, and for what may be done twice. */
  async ask<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    const endMs = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        return (await this.#pool.query<Row>(text, values)).rows;
      } catch (error) {
        const isAway = isDatabaseError(error) && !isRefusal(error);
        if (!isAway || performance.now() > endMs) throw error;
        await rest(AGAIN_MS);
      }
    }
  }

  /** The only row. */
  async askOne<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row> {
    const [row] = await this.ask<Row>(text, values);
    if (row === undefined) throw new Error(`expected a row, got none: ${text}`);
    return row;
  }

  /** Everything that `look` asks is seen at one instant. */
  async atOneInstant<Seen>(look: (client: pg.ClientBase) => Promise<Seen>): Promise<Seen> {
    const client = await this.#pool.connect();
    try {
      await client.query('begin isolation level repeatable read read only');
      const seen = await look(client);
      await client.query('commit');
      return seen;
    } finally {
      client.release();
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

/** The server has understood and said no: asking again would not help. */
function isRefusal(error: unknown): boolean {
  return error instanceof pg.DatabaseError && !/^(57P0|08|53)/.test(error.code ?? '');
}
