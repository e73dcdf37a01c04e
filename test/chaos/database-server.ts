// On which PostgreSQL does chaos happen? On one of its own, in a temporary folder, with fsync: it is crashed and
// restarted on purpose, and what it acknowledged must still be there. It comes back on the port that it had.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '#database/embedded/embedded-postgres.js';
import { runStatement, withDatabase } from '../support/admin-statement.js';

export type Crash = 'fast' | 'immediate';

export class DatabaseServer {
  #server: EmbeddedPostgres;
  readonly #folder: string;
  readonly #settings: Record<string, string>;

  private constructor(server: EmbeddedPostgres, folder: string, settings: Record<string, string>) {
    this.#server = server;
    this.#folder = folder;
    this.#settings = settings;
    process.once('exit', this.#killNow);
  }

  /** With these settings of the server besides the usual ones. */
  static async start(settings: Record<string, string> = {}): Promise<DatabaseServer> {
    // Named like those of the tests, whose next run removes what a killed run has left (test/support/postgres-server.ts).
    const folder = await mkdtemp(join(tmpdir(), `carillon-test-${hostname()}-${process.pid}-`));
    await chmod(folder, 0o711); // under root the server runs as another user, who must get in
    return new DatabaseServer(await launch({ folder, settings }), folder, settings);
  }

  get folder(): string {
    return this.#folder;
  }

  /** Of the superuser. */
  urlOf(database: string): string {
    return withDatabase(this.#server.url, database);
  }

  async createDatabase(name: string): Promise<string> {
    await runStatement(this.#server.url, `create database ${name}`);
    return this.urlOf(name);
  }

  /** Resolves with the instant since when it takes connections again. */
  async restart(mode: Crash, { downMs = 0 }: { downMs?: number } = {}): Promise<number> {
    const { port } = this.#server;
    await this.#server.stop(mode);
    await rest(downMs);
    this.#server = await launch({ folder: this.#folder, settings: this.#settings, port });
    if (this.#server.port !== port)
      throw new Error(`expected PostgreSQL on port ${port} again, got ${this.#server.port}`);
    return Date.now();
  }

  async remove(): Promise<void> {
    process.off('exit', this.#killNow);
    await this.#server.remove();
    await rm(this.#folder, { recursive: true, force: true });
  }

  readonly #killNow = (): void => this.#server.killNow();
}

async function launch({
  folder,
  settings,
  port,
}: {
  folder: string;
  settings: Record<string, string>;
  port?: number;
}): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({
    dataDirectory: join(folder, 'data'),
    settings,
    ...(port === undefined ? {} : { port }),
    log: () => undefined,
  });
}
