// How does a call leave for a tenant's endpoint, and which addresses may it reach? Only public unicast ones, unless the
// operator allows a host by name, with or without a port. The check is made on the address that is really connected to:
// before the call for literals, which are never looked up, and inside the look-up for names, so that a second look-up
// can't return another address. Node's own client makes the call, because it takes the interim answers that HTTP lets
// any server send first (100, 103); it follows no redirect and bounds the head of an answer. A connection is kept for a
// moment, for one call at a time and for one tenant, so a tenant with slow calls holds up no other tenant's calls to
// the same origin.
import * as http from 'node:http';
import * as https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { TenantId } from '#kernel/ids.js';
import { BlockedAddressError, blocked } from './blocked-address.js';
import { isForeignPort, isPublic, isPublicName } from './public-address.js';
import { publicLookup } from './public-lookup.js';

export const CALLS_PER_HOST = 32;
/** For a connection being made, and for an idle one. */
const QUIET_MS = 5_000;
const HEAD_BYTES_MAX = 16 * 1024;
const INTERIM_ANSWERS_MAX = 20;

export interface Post {
  tenantId: TenantId;
  url: URL;
  headers: http.OutgoingHttpHeaders;
  body: string;
  signal: AbortSignal;
}

interface SenderOptions extends https.RequestOptions {
  sender: TenantId;
}

/** Node counts and keeps connections by this name. */
function nameWith(name: string, options: object | undefined): string {
  return options !== undefined && 'sender' in options ? `${name} ${String(options.sender)}` : name;
}

class PlainAgent extends http.Agent {
  override getName(options?: http.ClientRequestArgs): string {
    return nameWith(super.getName(options), options);
  }
}

class SecureAgent extends https.Agent {
  override getName(options?: https.RequestOptions): string {
    return nameWith(super.getName(options), options);
  }
}

export class GuardedOutlet {
  readonly #plain: http.Agent;
  readonly #secure: https.Agent;

  /**
   * `allowed` are host names or address literals as they stand in the URL, perhaps with a port; their addresses are not
   * checked. At most `callsPerHost` calls of a tenant go to one origin at once; its other calls wait in order.
   */
  constructor(
    private readonly allowed: ReadonlySet<string>,
    callsPerHost = CALLS_PER_HOST,
    private readonly lookup: LookupFunction = publicLookup(),
  ) {
    const options = { keepAlive: true, maxSockets: callsPerHost, timeout: QUIET_MS };
    this.#plain = new PlainAgent(options);
    this.#secure = new SecureAgent(options);
  }

  /**
   * Resolves with the head of the answer, whose body is to be read; rejects with the signal's reason once it is
   * stopped.
   */
  async post({ tenantId, url, headers, body, signal }: Post): Promise<http.IncomingMessage> {
    const isAllowed = this.#isAllowed(url);
    if (!isAllowed) requirePublic(url);
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    const isSecure = url.protocol === 'https:';
    const options: SenderOptions = {
      method: 'POST',
      sender: tenantId,
      agent: isSecure ? this.#secure : this.#plain,
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      maxHeaderSize: HEAD_BYTES_MAX,
      ...(isAllowed ? {} : { lookup: this.lookup }),
    };
    const request = (isSecure ? https : http).request(url, options);
    // By hand: a request that waits for a connection would react to the signal only when it gets one.
    const stop = (): void => {
      reject(signal.reason);
      request.destroy();
    };
    signal.addEventListener('abort', stop, { once: true });
    request.once('close', () => signal.removeEventListener('abort', stop));
    request.on('error', reject); // stays for good: errors after the answer must be handled, too
    request.once('response', resolve);
    boundBeforeAnswer(request);
    request.end(body);
    return promise;
  }

  destroy(): void {
    this.#plain.destroy();
    this.#secure.destroy();
  }

  #isAllowed({ hostname, port, protocol }: URL): boolean {
    const host = bare(hostname);
    const numbered = `${hostname}:${port === '' ? (protocol === 'https:' ? 443 : 80) : port}`;
    return [host, hostname, numbered].some((entry) => this.allowed.has(entry));
  }
}

/** Bounds a server that never answers, sends headers without end, or answers with something else than HTTP. */
function boundBeforeAnswer(request: http.ClientRequest): void {
  let isConnected = false;
  let interim = 0;
  request.once('socket', (socket) => {
    isConnected = request.reusedSocket;
    const event = 'encrypted' in socket ? 'secureConnect' : 'connect';
    if (!isConnected) socket.once(event, () => (isConnected = true));
  });
  request.on('timeout', () => {
    if (isConnected) return;
    request.destroy(withCode('ETIMEDOUT', `expected a connection within ${QUIET_MS} ms, got none`));
  });
  request.on('information', () => {
    interim += 1;
    if (interim <= INTERIM_ANSWERS_MAX) return;
    const message = `expected at most ${INTERIM_ANSWERS_MAX} interim answers, got more`;
    request.destroy(withCode('HPE_TOO_MANY_INTERIM', message));
  });
  // Without a listener Node would keep the call waiting.
  request.once('upgrade', (_answer, socket) => {
    socket.destroy();
    request.emit('error', withCode('HPE_UNASKED_UPGRADE', 'expected HTTP, got another protocol'));
  });
}

function withCode(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

function requirePublic({ hostname, port }: URL): void {
  const host = bare(hostname);
  if (isIP(host) === 0 ? !isPublicName(host) : !isPublic(host)) throw blocked(host);
  if (isForeignPort(port)) {
    throw new BlockedAddressError(
      `expected a port that HTTP may use, got ${port}, which belongs to another protocol`,
    );
  }
}

const bare = (hostname: string): string => hostname.replace(/^\[|\]$/g, '');
