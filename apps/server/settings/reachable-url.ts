// Can other hosts call a replica by its URL? A replica that listens on every address (0.0.0.0, ::) has no URL of its
// own, and a guess would be wrong behind a container's or a pod's network. It starts all the same, since only
// callbacks and the list of replicas need that URL, and logs which setting is missing. A configured URL is refused
// only for naming no address at all, never for being unreachable from here.
import ipaddr from 'ipaddr.js';

interface Addresses {
  readonly CARILLON_HOST: string;
  readonly CARILLON_URL?: string | undefined;
  readonly CARILLON_CALLBACK_URL?: string | undefined;
}

/** The setting to change when the URL can't be called; null when all is well. */
export function adviceOnUrls({
  CARILLON_HOST: host,
  CARILLON_URL: url,
  CARILLON_CALLBACK_URL: callbackUrl,
}: Addresses): string | null {
  if (url !== undefined || !isEveryAddress(host)) return null;
  const remedy = 'set CARILLON_URL to where this replica is reached';
  const cause = `CARILLON_HOST=${host} is no address that can be called, and`;
  if (callbackUrl !== undefined) return `${cause} the list of replicas shows it: ${remedy}`;
  return `${cause} endpoints that answer 202 get it as their callback URL: ${remedy}, or CARILLON_CALLBACK_URL to where endpoints reach the API`;
}

/** For a URL that can be parsed. */
export function namesEveryAddress(url: string): boolean {
  return isEveryAddress(new URL(url).hostname.replace(/^\[(.*)\]$/, '$1'));
}

export function listeningUrl(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function isEveryAddress(host: string): boolean {
  return ipaddr.isValid(host) && ipaddr.process(host).range() === 'unspecified';
}
