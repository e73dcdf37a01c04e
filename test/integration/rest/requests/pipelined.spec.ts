// Does a client that sends requests without waiting for answers get them, in order, and hold up no other of its tenant?
import { expect, it } from 'vitest';
import { sendRaw } from '../../../support/raw-request.js';
import { useTestServer } from '../../../support/test-server.js';
import { createRun, useTenant } from '../../../support/test-tenant.js';

/** As many as a tenant may have under way in a replica, and more. */
const CONNECTIONS = 8;

const server = useTestServer();
const tenant = useTenant(server);

const request = (path: string, method = 'GET', more = '') =>
  `${method} ${tenant.path}${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${tenant.key}\r\n${more}\r\n`;

it('in order on each of more connections than the tenant has turns', async () => {
  const { id } = await createRun(tenant, { delaySeconds: 600 });
  const both = request(`/runs/${id}?wait=2`) + request('/schedules', 'GET', 'Connection: close\r\n');
  const answers = Array.from({ length: CONNECTIONS }, () => sendRaw(server.url, both));
  await tenant.api.get(`${tenant.path}/schedules`).expect(200);
  for (const answer of await Promise.all(answers)) {
    expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    expect(answer.indexOf(`"id":"${id}"`)).toBeLessThan(answer.indexOf('"items":[]'));
  }
});

it('with bodies that come in the same packet, and many of them', async () => {
  const body = JSON.stringify({ jobType: 'noop' });
  const post = (last: boolean) =>
    request(
      '/runs',
      'POST',
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n${last ? 'Connection: close\r\n' : ''}`,
    ) + body;
  const answer = await sendRaw(server.url, post(false).repeat(19) + post(true));
  expect(answer.match(/HTTP\/1\.1 201/g)).toHaveLength(20);
});
