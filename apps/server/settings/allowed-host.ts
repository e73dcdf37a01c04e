// Which host does an operator let endpoints have? A name or an address, perhaps with a port, written as URLs are read: what
// is written in another way for the same host is taken for it, and what could never be met in a URL is refused at start,
// because an operator who believes that a host is allowed, or only that one, would find out when it matters.
import { isIP } from 'node:net';

const ENTRY = /^(?<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?<port>\d{1,5}))?$/i;
const PORT_MAX = 65_535;

/** The one spelling that is compared with URLs; null for what is no host. */
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
