// Can a request be made that the API has no answer for? Thousands are tried that are nearly right, or nothing
// like it. For any request the answer is a success or a problem that blames the request; and what was
// accepted is what is read back. fast-check prints the seed of what it found.
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { BODIES } from '../../../support/request-bodies.js';
import { json, number, text } from '../../../support/request-arbitraries.js';
import { expectProblem } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import { createSchedule, finish, useTenant } from '../../../support/test-tenant.js';
import type { Response } from 'supertest';
import type { ProblemType } from '#server/http/problems/problem.js';

const server = useTestServer();
const tenant = useTenant(server);

const TRIES = { numRuns: 200 };

/** A success, or a problem that blames the request. */
function expectAnswer(response: Response): void {
  if (response.status < 300) return;
  const type = response.body as { type?: string };
  expect(response.status, response.text).toBeGreaterThanOrEqual(400);
  expect(response.status, response.text).toBeLessThan(500);
  expectProblem(response, String(type.type).replace('/problems/', '') as ProblemType); // checked against the status in there
}

describe.each(BODIES)('$method $path', ({ method, path, body }) => {
  const url = () => (path.startsWith('/') ? path : `${tenant.path}/${path}`);
  beforeAll(async () => {
    await tenant.api
      .get(`${tenant.path}/schedules/known`)
      .expect((response) => response.status === 404 || response.status === 200);
    await tenant.api
      .post(`${tenant.path}/schedules`)
      .send({ name: 'known', spec: { everySeconds: 3_600 }, jobType: 'echo' });
    await tenant.api.put(`${tenant.path}/calendars/known`).send({ dates: ['--12-25'] });
    await tenant.api.put(`${tenant.path}/job-types/known`).send({ target: { kind: 'pull' } });
    await server.admin.put('/api/v1/tenants/known').send({});
  });

  it('has an answer to every body that is nearly right, and takes some of them', async () => {
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(body, async (given) => {
        const response = await server.admin[method](url())
          .set('If-Match', '*')
          .send(given as object);
        expectAnswer(response);
        taken += Number(response.status < 300);
      }),
      { numRuns: 400 },
    );
    expect(taken).toBeGreaterThan(0);
  });

  it('has an answer to every JSON', async () => {
    await fc.assert(
      fc.asyncProperty(json, async (given) => {
        expectAnswer(
          await server.admin[method](url()).set('If-Match', '*').type('json').send(JSON.stringify(given)),
        );
      }),
      TRIES,
    );
  });

  it('has an answer to every text, and to every kind of text', async () => {
    const types = fc.constantFrom(
      'application/json',
      'application/json; charset=utf-16',
      'application/json; charset=x',
      'application/merge-patch+json',
      'text/plain',
      'a/b',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          text,
          fc.json().map((valid) => valid.slice(1)),
        ),
        types,
        async (given, type) => {
          expectAnswer(
            await server.admin[method](url())
              .set('If-Match', '*')
              .set('Content-Type', type)
              .serialize((sent) => sent as string)
              .send(given),
          );
        },
      ),
      TRIES,
    );
  });
});

describe('reading', () => {
  const segment = text.map((part) => encodeURIComponent(part.toWellFormed()));
  const raw = fc.stringMatching(/^[!-~]{0,20}$/).filter((part) => !/[#?]/.test(part));

  it('has an answer to every path', async () => {
    const under = fc.constantFrom(
      '',
      '/runs',
      '/schedules',
      '/job-types',
      '/api-keys',
      '/schedules/known/fires',
    );
    await fc.assert(
      fc.asyncProperty(
        under,
        fc.oneof(segment, raw),
        fc.constantFrom('get', 'post', 'delete'),
        async (list, part, method) => {
          expectAnswer(await server.admin[method as 'get'](`${tenant.path}${list}/${part}`));
        },
      ),
      TRIES,
    );
  });

  it('has an answer to every query', async () => {
    const lists = fc.constantFrom(
      '/runs',
      '/schedules',
      '/job-types',
      '/schedules/known/fires',
      '/runs/01890a5d-ac96-774b-bcce-b302099a8057',
    );
    const names = fc.oneof(
      fc.constantFrom('pageSize', 'pageToken', 'state', 'schedule', 'from', 'to', 'wait', 'label', 'q'),
      segment,
    );
    const values = fc.oneof(
      segment,
      number.map(String),
      fc.constantFrom('queued', 'known', '2099-01-01T00:00:00Z', '2'),
    );
    await fc.assert(
      fc.asyncProperty(lists, fc.array(fc.tuple(names, values), { maxLength: 3 }), async (list, pairs) => {
        expectAnswer(
          await server.admin.get(
            `${tenant.path}${list}?${pairs.map(([key, value]) => `${key}=${value}`).join('&')}`,
          ),
        );
      }),
      TRIES,
    );
  });

  it('has an answer to every header', async () => {
    const value = fc.oneof(fc.stringMatching(/^[ -~]{0,50}$/), fc.stringMatching(/^"?\d{0,20}"?$/));
    const headers = fc.dictionary(
      fc.constantFrom(
        'If-Match',
        'X-Request-Id',
        'Authorization',
        'Accept',
        'Content-Encoding',
        'Content-Type',
      ),
      value,
    );
    const { name: known } = await createSchedule(tenant);
    await fc.assert(
      fc.asyncProperty(headers, async (given) => {
        expectAnswer(
          await server.admin.patch(`${tenant.path}/schedules/${known}`).type('json').set(given).send('{}'),
        );
      }),
      TRIES,
    );
  });
});

it('what is accepted is read back as it was given', async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(text, json), async (payload) => {
      const created = await tenant.api
        .post(`${tenant.path}/runs`)
        .send({ jobType: 'noop', payload, runAt: '2099-01-01T00:00:00Z' });
      expectAnswer(created);
      if (created.status !== 201) return;
      const { body } = await tenant.api.get(created.headers['location'] ?? '').expect(200);
      expect(body).toMatchObject({ payload: JSON.parse(JSON.stringify(payload)) as unknown });
    }),
    TRIES,
  );
});

it('after all that the replica works as before', async () => {
  expect(await finish(tenant, { jobType: 'echo', payload: 'unharmed' })).toMatchObject({
    output: 'unharmed',
  });
});
