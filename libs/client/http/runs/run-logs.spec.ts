// Where does a follower of a log go on when a replica ends its stream? Against replicas that the test plays.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createClient } from '../client.js';

/** Answers with these events. */
async function play(...events: string[]) {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.url?.replace(/.*\?/, '') ?? '');
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(['retry: 2000', ...events, ''].join('\n\n'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}
const line = (seq: number) => `event: log\nid: ${seq}\ndata: {"seq":${seq}}`;

it('goes on behind the last line, and not at a replica that is leaving', async () => {
  const [leaving, other] = [await play(line(3)), await play(line(7), 'event: end\ndata: {"after":7}')];
  const client = createClient({ urls: [leaving.url, other.url], tenant: 'acme', key: 'k' });
  const seqs = [];
  for await (const { seq } of client.logs('r', { after: 2 })) seqs.push(seq);
  expect(seqs).toEqual([3, 7]);
  expect([leaving.seen, other.seen]).toEqual([['after=2'], ['after=3']]);
});
