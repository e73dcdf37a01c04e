// Is no connection made to an address that is not public, however it is written, unless the operator allows it? The server
// listens on every address of every family that there is, so that a spelling that gets through is answered.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { GuardedOutlet } from '#execution/endpoints/guarded-outlet.js';
import { callHttp } from '#execution/targets/http/http-target.js';
import { claimedRun, jobContext, pushed } from '../../support/builders.js';

/** Some containers have no IPv6, not even inside. */
const speaksIPv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);
let connections = 0;
const server = createServer((_request, response) => response.end()).on(
  'connection',
  () => (connections += 1),
);
let port: number;
beforeAll(async () => {
  server.listen(0);
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo); // a TCP server that listens has one
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});
beforeEach(() => {
  connections = 0;
});

async function call(host: string, ...allowed: string[]) {
  const outlet = new GuardedOutlet(new Set(allowed));
  onTestFinished(() => outlet.destroy());
  const run = claimedRun();
  const target = { kind: 'http', url: `http://${host}:${port}/hook`, headers: {} } as const;
  return callHttp({ target, run, context: jobContext(run), outlet, ...pushed() });
}

describe('no connection is made to', () => {
  it.each(
    `127.0.0.1 127.1 127.0.1 127.0.0.1. 127.255.255.254 2130706433 017700000001 0x7f000001 0x7F.1 0x7f.0x0.0x0.0x1 0177.1
     0177.0.0.1 0177.0x0.1 127.0x1 00000177.0.0.1 %31%32%37.0.0.1 127%2e0%2e0%2e1 １２７.0.0.1 127。0。0。1 ①②⑦.0.0.1 127.0.0.①
     localhost LOCALHOST LocalHost ｌocalhost loc%61lhost localhost. a.localhost printer.local metadata.google.internal database
     0.0.0.0 0 0x0 00 0.1 [::] [::0] [0:0:0:0:0:0:0:0]
     [::1] [0:0:0:0:0:0:0:1] [0000:0000:0000:0000:0000:0000:0000:0001] [::0:1] [::0001] [::ffff:127.0.0.1] [::ffff:7f00:1] [::FFFF:7F00:1]
     [0:0:0:0:0:ffff:127.0.0.1] [::127.0.0.1] [::7f00:1] [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b:1::7f00:1] [2002:7f00:1::]
     [2001:0:7f00:1::] [fe80::1] [fc00::1] [fd00::1] [ff02::1] [::ffff:10.0.0.1] [::ffff:a9fe:a9fe]
     10.0.0.1 012.0.0.1 167772161 172.16.0.1 192.168.0.1 100.64.0.1 169.254.169.254 0xa9fea9fe 2852039166 168.63.129.16`
      .trim()
      .split(/\s+/),
  )('%s', async (host) => {
    await expect(call(host)).rejects.toMatchObject({
      name: 'BlockedAddress',
      message: expect.stringMatching(
        /^expected a public address, got [^()]*; an operator can allow/,
      ) as unknown,
    });
    expect(connections).toBe(0);
  });
});

describe('an address that is not public', () => {
  const here = () => String(port);
  const reached: [string, () => string][] = [
    ['127.0.0.1', () => '127.0.0.1'],
    ['2130706433', () => '127.0.0.1'],
    ['localhost', () => 'localhost'],
    ['127.0.0.1', () => `127.0.0.1:${here()}`],
    ['localhost', () => `localhost:${here()}`],
  ];
  const reachedByIPv6: [string, () => string][] = [
    ['[::1]', () => '::1'],
    ['[::1]', () => '[::1]'],
    ['[::1]', () => `[::1]:${here()}`],
  ];
  it.each([...reached, ...(speaksIPv6 ? reachedByIPv6 : [])])(
    'is reached as %s when the operator allows it: %s',
    async (host, allowed) => {
      expect(await call(host, allowed())).toMatchObject({ kind: 'succeeded' });
    },
  );

  it.each([
    ['localhost', '127.0.0.1'],
    ['127.0.0.1', 'localhost'],
    ['localhost', 'example.com'],
    ['127.0.0.1', '127.0.0.1:1'],
    ['127.0.0.1', '127.0.0.1:80'],
    ['localhost', 'localhost:443'],
  ])('is refused as %s when the operator allows only %s', async (host, allowed) => {
    await expect(call(host, allowed)).rejects.toMatchObject({ name: 'BlockedAddress' });
    expect(connections).toBe(0);
  });
});
