// Which addresses and ports may a tenant's endpoint have? Addresses that are public and belong to one machine. Ports of
// other protocols are refused, too: a mail server reads a request with a chosen body as a mail.
import ipaddr from 'ipaddr.js';

const GLOBAL_UNICAST = ipaddr.IPv6.parse('2000::');

/**
 * `process` unwraps IPv4 in IPv6 first; every special range, NAT64 and 6to4 among them, is not 'unicast'. In IPv6 only
 * 2000::/3 is assigned at all, and other addresses may be routed to an internal network.
 */
export function isPublic(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (HOST_SERVICES.has(parsed.toNormalizedString())) return false;
  return parsed.range() === 'unicast' && (parsed instanceof ipaddr.IPv4 || parsed.match(GLOBAL_UNICAST, 3));
}

/** Public by its range, but on each machine of a big provider it leads to that machine's own agent. */
const HOST_SERVICES = new Set(['168.63.129.16']);

/** Ends of names that are never those of public hosts (RFC 6761, RFC 6762, and ICANN's reservation of 2024). */
const LOCAL_ENDS = new Set(['localhost', 'local', 'internal']);

/** A name without a dot means something only where it is looked up. */
export function isPublicName(name: string): boolean {
  const labels = name.toLowerCase().replace(/\.$/, '').split('.');
  return labels.length > 1 && !LOCAL_ENDS.has(labels.at(-1) ?? '');
}

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
