// Keeps our own PostgreSQL running during `up`. It starts on the data of the last time. If it dies, it is started
// again on the same port: the replicas survive an outage and continue by themselves. On another port they would not
// find it, so then everything ends.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '#database/embedded/embedded-postgres.js';
import { CliError } from '../../cli-error.js';
import type { DataFolder } from './data-folder.js';
import type { Part } from '../processes/shutdown.js';

interface EmbeddedDatabaseOptions {
  readonly folder: DataFolder;
  readonly wantedPort: number | undefined;
  readonly say: (line: string) => void;
  /** Called when it is gone for good. */
  readonly onLost: (error: Error) => void;
}

export class EmbeddedDatabase implements Part {
  #starting: Promise<EmbeddedPostgres> | undefined;
  #server: EmbeddedPostgres | undefined;
  #stopping = false;

  constructor(private readonly options: EmbeddedDatabaseOptions) {}

  /** Resolves with the superuser's URL. */
  async start(): Promise<string> {
    const { folder, wantedPort, say } = this.options;
    const isNew = !existsSync(`${folder.postgres}.password`);
    const server = await this.#launch(wantedPort);
    for (const note of server.notes) say(note);
    const data =
      server.dataDirectory === folder.postgres ? join(folder.shown, 'postgres') : server.dataDirectory;
    say(
      `PostgreSQL is ready on port ${server.port}, ${isNew ? 'with new data' : 'with the data of last time'} in ${data}`,
    );
    return server.url;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    // A start under way can't be cancelled, but it ends soon; its failure was reported to its caller.
    const server = await this.#starting?.catch(() => undefined);
    await server?.stop();
  }

  hurry(): void {
    if (this.#stopping) void this.#server?.stop('immediate').catch(() => undefined); // the first stop reports it
  }

  killNow(): void {
    this.#server?.killNow();
  }

  async #launch(port: number | undefined): Promise<EmbeddedPostgres> {
    const wish = port === undefined ? {} : { port };
    this.#starting = startEmbeddedPostgres({
      dataDirectory: this.options.folder.postgres,
      log: () => undefined,
      ...wish,
    });
    const server = await this.#starting;
    this.#server = server;
    void server.exited.then(() => this.#mourn(server.port));
    return server;
  }

  async #mourn(port: number): Promise<void> {
    if (this.#stopping) return;
    const { folder, say, onLost } = this.options;
    say('PostgreSQL ended by itself; starting it again');
    try {
      const server = await this.#launch(port);
      if (server.port !== port)
        throw new CliError(`expected PostgreSQL on port ${port} again, got ${server.port}`);
      say(`PostgreSQL is back on port ${port}`);
    } catch (error) {
      if (!this.#stopping)
        onLost(error instanceof Error ? error : new Error(`${String(error)}; see ${folder.postgres}.log`));
    }
  }
}
