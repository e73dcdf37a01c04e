// Which addresses may a tenant's HTTP target reach? Only public unicast ones, unless the operator allows
// a host by name. The check is made on the address that is really connected to: before, for literals,
// which undici never looks up, and inside the look-up for names, so that a name can't change its mind. Ports of
// other protocols are refused, too: to a mail server a request with a body of one's choice is a mail.
import { lookup as lookupHost, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { Agent, buildConnector } from 'undici';

class BlockedAddressError extends Error {
  override readonly name = 'BlockedAddress';
}

export const CALLS_PER_HOST = 32;

/**
 * `allowedHosts` are host names or address literals, as they stand in the URL, that are let through unchecked.
 * No more than `callsPerHost` calls go to one origin at once; the others wait, in their order.
 */
export function guardedDispatcher(allowedHosts: ReadonlySet<string>, callsPerHost = CALLS_PER_HOST): Agent {
  // A connection of HTTP/2 would carry many calls at once.
  const open = buildConnector({ timeout: 10_000, allowH2: false });
  const guarded = buildConnector({ timeout: 10_000, allowH2: false, lookup: publicLookup });
  return new Agent({
    connections: callsPerHost,
    allowH2: false,
    headersTimeout: 0, // the attempt's own signal ends it
    bodyTimeout: 0,
    connect: (options, callback) => {
      const host = options.hostname.replace(/^\[|\]$/g, '');
      if (allowedHosts.has(host)) return open(options, callback);
      if (isIP(host) !== 0 && !isPublic(host)) return callback(blocked(host), null);
      if (isForeignPort(options.port))
        return callback(new BlockedAddressError(foreignPort(options.port)), null);
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
  if (HOST_SERVICES.has(parsed.toNormalizedString())) return false;
  return parsed.range() === 'unicast' && (parsed instanceof ipaddr.IPv4 || parsed.match(GLOBAL_UNICAST, 3));
}

/** Public by its range, but on each machine of a big provider the way to that machine's own agent. */
const HOST_SERVICES = new Set(['168.63.129.16']);

/** The ports that browsers refuse as well (the Fetch standard's list of bad ports). */
const FOREIGN_PORTS = new Set(
  `1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119 123
   135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 990
   993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080`.split(
    /\s+/,
  ),
);

export function isForeignPort(port: string): boolean {
  return FOREIGN_PORTS.has(port);
}

const foreignPort = (port: string): string =>
  `expected a port that HTTP may use, got ${port}, which belongs to another protocol`;

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
