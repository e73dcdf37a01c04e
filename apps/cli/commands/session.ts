// One call of a command: its options, its printer, and its connection, which is looked for when it is wanted.
import { createClient, type Client } from '#client/http/client.js';
import { CliError } from '../cli-error.js';
import { Api } from '../connection/api.js';
import { connectionOf, type Connection, type ConnectionFlags } from '../connection/connection.js';
import type { Sources } from '../connection/sources.js';
import { EXIT } from '../exit-codes.js';
import { messageText } from '../output/cells.js';
import { hasColours } from '../output/paint.js';
import { Printer, type Format } from '../output/printer.js';
import type { World } from '../world.js';

export interface GlobalOptions extends ConnectionFlags {
  readonly output?: Format;
  readonly timeout: number;
}

export interface TenantApi {
  readonly tenant: string;
  readonly client: Client;
  readonly api: Api;
}

const NAMED_MAX = 20;
/** No tenant has it; for calls whose path names none. */
const NO_TENANT = '-';

export class Session {
  readonly out: Printer;
  readonly #notesAtEnd: string[] = [];

  constructor(
    readonly world: World,
    private readonly sources: Sources,
    private readonly options: GlobalOptions,
  ) {
    const format = options.output ?? (world.out.isTerminal ? 'table' : 'tsv');
    this.out = new Printer(world.out, format, hasColours(world));
  }

  get signal(): AbortSignal {
    return this.world.signal;
  }

  get connection(): Connection {
    return connectionOf(this.options, this.sources);
  }

  /** For the calls that name no tenant, or name it in their path. */
  get api(): Api {
    return new Api({ ...this.#reach(), tenant: NO_TENANT, signal: this.signal });
  }

  async tenant(): Promise<TenantApi> {
    return this.tenantNamed(this.connection.tenant?.value ?? (await this.#onlyTenant()));
  }

  tenantNamed(tenant: string): TenantApi {
    const reach = { ...this.#reach(), tenant };
    return { tenant, client: createClient(reach), api: new Api({ ...reach, signal: this.signal }) };
  }

  /** Below what was asked for. */
  noteAtEnd(line: string): void {
    this.#notesAtEnd.push(line);
  }

  end(): void {
    for (const line of this.#notesAtEnd) this.note(line);
  }

  /** To the person at the terminal, beside what was asked for. */
  note(line: string): void {
    this.world.err.write(`${messageText(line)}\n`);
  }

  /** Rejects where the answer is no, or no person is there to ask. */
  async confirm(what: string, { yes = false }: { yes?: boolean }): Promise<void> {
    if (yes) return;
    const { ask } = this.world;
    if (ask === null)
      throw new CliError(`expected --yes, since no terminal is there to ask whether to ${what}`, EXIT.usage);
    const answer = await ask(`Really ${what}? [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim()))
      throw new CliError(`nothing was done: expected y or yes, got ${JSON.stringify(answer)}`);
  }

  #reach(): { urls: readonly string[]; key: string; timeoutSeconds: number } {
    const { urls, key } = this.connection;
    if (urls === null)
      throw new CliError(
        'url: expected --url, CARILLON_URL, a profile, or an npm start in this folder, got none; carillon config show tells what is there',
        EXIT.usage,
      );
    if (key === null)
      throw new CliError(
        `key: expected --key or CARILLON_KEY for ${urls.value.join(',')} (from ${urls.from}), got none; keys of other places are not sent there`,
        EXIT.usage,
      );
    return { urls: urls.value, key: key.value, timeoutSeconds: this.options.timeout };
  }

  /** A tenant's own key sees no other, so that it need not be named. */
  async #onlyTenant(): Promise<string> {
    const names: string[] = [];
    for await (const { name } of this.api.list('/tenants', { pageSize: NAMED_MAX + 1 })) {
      names.push(String(name));
      if (names.length > NAMED_MAX) break;
    }
    const [only, ...others] = names;
    if (only !== undefined && others.length === 0) return only;
    const seen = names.slice(0, NAMED_MAX).join(', ') + (names.length > NAMED_MAX ? ', …' : '');
    throw new CliError(
      `tenant: expected --tenant, CARILLON_TENANT, or that of a profile, got none; the key sees ${seen || 'no tenant'}`,
      EXIT.usage,
    );
  }
}
