// Does a replica end that peers have connected to without a whole request? Browsers connect ahead, and a caller may be
// frozen anywhere in what it sends.
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { startTestServer } from '../../../support/test-server.js';

const BEGUN = ['', 'GET / HT', 'POST /webhooks HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{'];

it('ends, with connections on which nothing was sent, or a part of a request', async () => {
  const server = await startTestServer();
  const peers = BEGUN.map(() => connect(Number(new URL(server.url).port), '127.0.0.1'));
  for (const peer of peers) peer.on('error', () => undefined).resume();
  await Promise.all(peers.map((peer) => once(peer, 'connect')));
  for (const [index, peer] of peers.entries()) peer.write(BEGUN[index] ?? '');
  const closed = peers.map((peer) => once(peer, 'close'));
  await server.stop();
  expect(await Promise.all(closed)).toHaveLength(BEGUN.length);
});
