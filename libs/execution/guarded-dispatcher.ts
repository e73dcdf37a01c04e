// Which addresses may a tenant's HTTP target reach? Only public unicast ones, unless the operator allows
// a host by name. The check is made on the address that is really connected to: before, for literals,
// which undici never looks up, and inside the look-up for names, so that a name can't change its mind.
import { lookup as lookupHost, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { Agent, buildConnector } from 'undici';

class BlockedAddressError extends Error {
  override readonly name = 'BlockedAddress';
}

/** `allowedHosts` are host names or address literals, as they stand in the URL, that are let through unchecked. */
export function guardedDispatcher(allowedHosts: ReadonlySet<string>): Agent {
  const open = buildConnector({ timeout: 10_000 });
  const guarded = buildConnector({ timeout: 10_000, lookup: publicLookup });
  return new Agent({
    connections: 32,
    headersTimeout: 0, // the attempt's own signal ends it
    bodyTimeout: 0,
    connect: (options, callback) => {
      const host = options.hostname.replace(/^\[|\]$/g, '');
      if (allowedHosts.has(host)) return open(options, callback);
      if (isIP(host) !== 0 && !isPublic(host)) return callback(blocked(host), null);
      return guarded(options, callback);
    },
  });
}

/**
 * `process` unwraps IPv4 in IPv6 first; every special range, NAT64 and 6to4 among them, is not 'unicast'. In
 * IPv6 only 2000::/3 is given out at all, and what lies outside may still be routed somewhere inside.
 */
export function isPublic(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  return parsed.range() === 'unicast' && (parsed instanceof ipaddr.IPv4 || parsed.match(GLOBAL_UNICAST, 3));
}

const GLOBAL_UNICAST = ipaddr.IPv6.parse('2000::');

const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookupHost(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, '', 0);
    const allowed = addresses.filter(({ address }) => isPublic(address));
    const [first] = allowed;
    if (first === undefined) return callback(blocked(hostname, addresses), '', 0);
    if (options.all === true) return callback(null, allowed);
    return callback(null, first.address, first.family);
  });
};

function blocked(host: string, addresses: readonly LookupAddress[] = []): BlockedAddressError {
  const got =
    addresses.length === 0 ? host : `${host} (${addresses.map(({ address }) => address).join(', ')})`;
  return new BlockedAddressError(
    `expected a public address, got ${got}; an operator can allow the host by name`,
  );
}
