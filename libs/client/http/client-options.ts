// Checks the options of a client. One that can't be right is refused at once, by its name.
import { expectKnownOptions } from '#client/options/known-options.js';
import { reachable } from '#client/worker/worker-options.js';
import { baseOf } from './replica-choice.js';

export interface ClientOptions {
  /** The URL of the API, e.g. `http://localhost:8080`. Either this or `urls`. */
  url?: string;
  /** Those of several replicas. One is asked until it fails to answer, then the next. */
  urls?: readonly string[];
  tenant: string;
  /**
   * A key of the tenant. The value of an environment variable may be passed as it is: undefined is refused at once. It is
   * sent to the origins of `url`, `urls` and `trustedOrigins`, and nowhere else.
   */
  key: string | undefined;
  /**
   * Origins such as `https://replica-1.example.com`, beside those URLs: an answer may name a URL there as that of the
   * replica that serves the tenant, and the client then goes there with its key. Default: none.
   */
  trustedOrigins?: readonly string[];
  /** How long a call may take, with all its tries; the time that `result` waits comes on top. Default: 30. */
  timeoutSeconds?: number;
}

export interface CheckedOptions {
  bases: readonly string[];
  origins: ReadonlySet<string>;
  tenant: string;
  key: string;
  timeoutMs: number;
}

const KNOWN = ['url', 'urls', 'tenant', 'key', 'trustedOrigins', 'timeoutSeconds'];
const TIMEOUT_SECONDS_MAX = 3_600;

/** Throws a TypeError that names the option, what was expected and what was got. */
export function checkedOptions(options: ClientOptions): CheckedOptions {
  expectKnownOptions(options, KNOWN);
  const { url, urls, trustedOrigins = [], timeoutSeconds = 30 } = options;
  if ((url === undefined) === (urls === undefined))
    throw new TypeError(`expected either url or urls, got ${url === undefined ? 'neither' : 'both'}`);
  const given = [url ?? urls ?? []].flat();
  if (given.length === 0) throw new TypeError('expected urls to have at least one, got none');
  const { tenant, key } = reachable({ url: given, tenant: options.tenant, key: options.key });
  // Otherwise each call would fail as if no replica was there.
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new TypeError('expected key to have ASCII characters only, got others');
  for (const each of given) expectBare(each);
  if (typeof timeoutSeconds !== 'number' || !(timeoutSeconds > 0 && timeoutSeconds <= TIMEOUT_SECONDS_MAX))
    throw new TypeError(
      `expected timeoutSeconds to be more than 0 and at most ${TIMEOUT_SECONDS_MAX}, got ${JSON.stringify(timeoutSeconds)}`,
    );
  return {
    bases: [...new Set(given.map(baseOf))],
    origins: new Set(trustedOrigins.map(originOf)),
    tenant,
    key,
    timeoutMs: timeoutSeconds * 1_000,
  };
}

/** Without its value: a password may be in it. */
function expectBare(url: string): void {
  const { username, password, search, hash } = new URL(url);
  if (username + password + search + hash !== '')
    throw new TypeError('expected a url without a user, a query and a fragment, got one that has some');
}

function originOf(text: unknown): string {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : null;
  // Of a longer URL the rest would be dropped in silence.
  if (url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url.origin;
  throw new TypeError(
    `expected trustedOrigins to have origins such as https://replica-1.example.com, got ${shown(text)}`,
  );
}

/** A password may be in it. */
function shown(text: unknown): string {
  return typeof text === 'string' && text.includes('@') ? 'another text (not shown)' : JSON.stringify(text);
}
