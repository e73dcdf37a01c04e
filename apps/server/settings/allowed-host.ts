// A host that an operator allows for endpoints: a name or an address, perhaps with a port, read as URLs are read.
// Another spelling of the same host counts as that host. An entry that no URL could match is refused at start:
// otherwise an operator would learn only from a refused call that a host is not allowed, or never that others are.
import { isIP } from 'node:net';

const ENTRY = /^(?<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?<port>\d{1,5}))?$/i;
const PORT_MAX = 65_535;

/** The one spelling that is compared with URLs; null for a text that is no host. */
export function allowedHost(entry: string): string | null {
  if (isIP(entry) === 6) return bare(hostnameOf(`[${entry}]`));
  const { host, port } = ENTRY.exec(entry)?.groups ?? {};
  if (host === undefined) return null;
  const hostname = hostnameOf(host);
  if (port === undefined || hostname === null) return hostname;
  const number = Number(port);
  return number > 0 && number <= PORT_MAX ? `${hostname}:${number}` : null;
}

function hostnameOf(host: string): string | null {
  // As the endpoint's own URL will be read: lower case, and an address in its shortest form.
  const url = `http://${host}/`;
  return URL.canParse(url) ? new URL(url).hostname : null;
}

function bare(hostname: string | null): string | null {
  return hostname?.replace(/^\[|\]$/g, '') ?? null;
}
