// Which public addresses has the host of a tenant's endpoint? The DNS is asked, and not the system's own look-up, which
// takes one of two threads of the process until an answer comes: twenty calls to a host whose name server is silent held
// up the calls of all tenants for a minute. So a name that only the system knows, from a file or a search list, is none.
import { once } from 'node:events';
import { promises as dns, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { blocked } from './blocked-address.js';
import { isPublic } from './public-address.js';

/** A connection, of which this is the first part, is given up after 5 s. */
const LOOKUP_MS = 4_000;
const TRIES = { timeout: 1_500, tries: 2 };
/** For the addresses of the other family, once there are some of one (RFC 8305, section 3). */
const OTHER_FAMILY_MS = 50;
/** The DNS has answered, and knows none. */
const UNKNOWN: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'ENODATA']);

/** By these name servers, or else by the system's. Fails with BlockedAddress, ENOTFOUND or EAI_AGAIN. */
export function publicLookup(servers: readonly string[] | null = null): LookupFunction {
  return (hostname, { family, all }, callback) => {
    void tell();

    async function tell(): Promise<void> {
      const allowed = await publicAddresses(hostname, { families: familiesOf(family), servers });
      if (allowed instanceof Error) callback(allowed, '', 0);
      else if (all === true) callback(null, [...allowed]);
      else callback(null, allowed[0].address, allowed[0].family);
    }
  };
}

async function publicAddresses(
  hostname: string,
  request: LookupRequest,
): Promise<[LookupAddress, ...LookupAddress[]] | Error> {
  try {
    const found = await addressesOf(hostname, request);
    const [first, ...others] = found.filter(({ address }) => isPublic(address));
    return first === undefined ? blocked(hostname, found) : [first, ...others];
  } catch (error) {
    return lookupError(hostname, error);
  }
}

interface LookupRequest {
  families: readonly (4 | 6)[];
  servers: readonly string[] | null;
}

function familiesOf(family: number | 'IPv4' | 'IPv6' | undefined): (4 | 6)[] {
  if (family === 4 || family === 'IPv4') return [4];
  return family === 6 || family === 'IPv6' ? [6] : [4, 6];
}

/** Rejects with the error of the first family where neither has an address. */
async function addressesOf(hostname: string, { families, servers }: LookupRequest): Promise<LookupAddress[]> {
  // One for each look-up: it knows the servers of this moment, and is ended alone.
  const resolver = new dns.Resolver(TRIES);
  if (servers !== null) resolver.setServers(servers);
  const over = AbortSignal.timeout(LOOKUP_MS);
  const end = (): void => resolver.cancel();
  over.addEventListener('abort', end);
  const found: LookupAddress[] = [];
  const asked = families.map(async (family) => {
    const addresses = await (family === 4 ? resolver.resolve4(hostname) : resolver.resolve6(hostname));
    found.push(...addresses.map((address) => ({ address, family })));
  });
  const all = Promise.allSettled(asked);
  try {
    await Promise.any(asked);
    await Promise.race([all, once(AbortSignal.timeout(OTHER_FAMILY_MS), 'abort')]);
    return [...found];
  } catch {
    throw (await all).find((end) => end.status === 'rejected')?.reason;
  } finally {
    over.removeEventListener('abort', end);
    resolver.cancel();
  }
}

function lookupError(hostname: string, error: unknown): NodeJS.ErrnoException {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const message = `expected an address of ${hostname}, got ${String(code)}`;
  return Object.assign(new Error(message, { cause: error }), {
    code: UNKNOWN.has(code) ? 'ENOTFOUND' : 'EAI_AGAIN',
  });
}
