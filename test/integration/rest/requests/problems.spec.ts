// How does the API tell that something went wrong? Always in the one form of RFC 9457 (expectProblem looks at
// every field of it), with a status that says whose turn it is to do something about it.
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { sendRaw } from '../../../support/raw-request.js';
import { useTestServer } from '../../../support/test-server.js';
import { newName, useTenant } from '../../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server);

const post = (path = '/api/v1/tenants') => server.admin.post(path);

describe('a body', () => {
  it.each([
    ['{"name":'],
    ['{name:"acme"}'],
    ["{'name':'acme'}"],
    ['{"name":"acme"} and more'],
    ['\ufeff{'],
    ['undefined'],
    ['{"a":01}'],
    [' '],
  ])('that is no JSON (%j) is told so', async (body) => {
    expect(expectProblem(await post().type('json').send(body), 'malformed-json').detail).toMatch(
      /^expected JSON, got /,
    );
  });

  it.each([['null'], ['"name"'], ['5'], ['true'], ['[]'], ['[{"name":"acme"}]']])(
    'of JSON that is no object (%s) is told so, as a whole',
    async (body) => {
      expect(expectFields(await post().type('json').send(body))).toEqual(['']);
    },
  );

  it('that is missing is told of the fields that it lacks', async () => {
    expect(expectFields(await post())).toEqual(['/name']);
    expect(expectFields(await post().type('json').set('Content-Length', '0'))).toEqual(['/name']);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    'application/octet-stream',
    'text/json',
    'application/jsonp',
    'garbage',
  ])('of the type %s is refused, and not taken for none', async (type) => {
    const response = await post().set('Content-Type', type).send('name=acme');
    expect(expectProblem(response, 'unsupported-media-type').detail).toContain(type);
  });

  it('without a type is refused', async () => {
    const answer = await sendRaw(
      server.url,
      `POST /api/v1/tenants HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\nConnection: close\r\nContent-Length: 17\r\n\r\n{"name":"nobody"}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 415 /);
    expect(answer).toMatch(/"code":"UNSUPPORTED_MEDIA_TYPE"/);
  });

  it('in chunks and without a type is refused as well', async () => {
    const answer = await sendRaw(
      server.url,
      `POST /api/v1/tenants HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 415 /);
  });

  it.each([
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'APPLICATION/JSON',
    'application/merge-patch+json',
  ])('of the type %s is read', async (type) => {
    await post()
      .set('Content-Type', type)
      .send(JSON.stringify({ name: newName('typed') }))
      .expect(201);
  });

  it('in another character set than Unicode is refused', async () => {
    expectProblem(
      await post().set('Content-Type', 'application/json; charset=koi8-r').send('{}'),
      'unsupported-media-type',
    );
  });

  it('that is compressed is read, and measured by what is inside', async () => {
    const compressed = (body: object) =>
      post()
        .type('json')
        .set('Content-Encoding', 'gzip')
        .serialize((given) => given as string)
        .send(gzipSync(JSON.stringify(body)));
    expect((await compressed({ name: newName('zip') })).status).toBe(201);
    expectProblem(await compressed({ name: 'x'.repeat(2_000_000) }), 'payload-too-large');
  });

  it.each(['gzip', 'deflate', 'br', 'zstd'])(
    'that can not be unpacked as its Content-Encoding says (%s) is told so',
    async (encoding) => {
      const answer = await post().type('json').set('Content-Encoding', encoding).send('{}');
      expect(expectProblem(answer, 'bad-request').detail).toMatch(
        new RegExp(`^expected a body in ${encoding}, as its Content-Encoding says, got other bytes`),
      );
    },
  );

  it('whose Content-Encoding is unknown is told what is read', async () => {
    const answer = await post().type('json').set('Content-Encoding', 'lzma').send('{}');
    expect(expectProblem(answer, 'unsupported-media-type').detail).toMatch(
      /^expected a Content-Encoding that is one of .*gzip.*, got "lzma"/,
    );
  });

  it('of more than 1 MiB is refused, and told how much is allowed', async () => {
    const { detail } = expectProblem(await post().send({ name: 'x'.repeat(1_048_576) }), 'payload-too-large');
    expect(detail).toMatch(/expected a body of at most 1048576 bytes/);
  });

  it('with ten thousand mistakes is told some of them', async () => {
    const body = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`wrong${index}`, index]));
    const fields = expectFields(await post().send(body));
    expect(fields.length).toBeGreaterThan(10);
    expect(fields.length).toBeLessThan(100);
  });

  it('with a field whose name is a million characters long is told a part of it', async () => {
    const answer = await post().send({ name: newName('long'), ['x'.repeat(1_000_000)]: 1 });
    expect(expectFields(answer)).toEqual([expect.stringMatching(/^\/x+…$/)]);
    expect(answer.text.length).toBeLessThan(3_000);
  });

  it('nested without end is refused wherever the nesting is', async () => {
    const nested = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    for (const body of [
      nested,
      `{"name":${nested}}`,
      `{"more":${nested}}`,
      '{"a":'.repeat(50_000) + '1' + '}'.repeat(50_000),
    ]) {
      expect(expectFields(await post().type('json').send(body)).length).toBeGreaterThan(0);
    }
  });
});

describe('a route', () => {
  it.each([
    ['get', '/'],
    ['get', '/api'],
    ['get', '/api/v1'],
    ['get', '/api/v2/tenants'],
    ['get', '/api/v1/cluster'],
    ['get', '/healthz'],
    ['get', '/API/V1/nothing'],
    ['get', '/favicon.ico'],
    ['get', '/%2e%2e/%2e%2e/etc/passwd'],
  ] as const)('that does not exist (%s %s) is not found', async (method, path) => {
    expectProblem(await server.admin[method](path), 'not-found');
  });

  it.each(['/api/v1/tenants/%', '/api/v1/tenants/%ff', '/api/v1/tenants/%E0%A4%A/runs'])(
    'that is no URL (%s) is told so',
    async (path) => {
      expectProblem(await server.admin.get(path), 'bad-request');
    },
  );

  it('asked for with HEAD answers as with GET, without the body', async () => {
    const { body, status } = await server.admin.head(tenant.path);
    expect({ body: body as unknown, status }).toEqual({ body: {}, status: 200 });
    expect((await server.admin.head('/api/v1/tenants/nobody')).status).toBe(404);
  });
});

describe('a query', () => {
  it.each([
    ['pageSize=many', ['?pageSize']],
    ['pageSize=0&pageToken=', ['?pageSize']],
    ['pageSize=1e2', ['?pageSize']],
    ['pageSize=0x10', ['?pageSize']],
    ['pageSize=+5', ['?pageSize']],
    ['pageSize=', ['?pageSize']],
    ['bla=1', ['?bla']],
    ['bla=1&pageSize=x&blub', ['?pageSize', '?bla', '?blub']],
    ['pageSize[gt]=1', ['?pageSize[gt]']],
    ['__proto__=1', ['?__proto__']],
    ['constructor=1', ['?constructor']],
    ['pageToken=%00', ['?pageToken']],
  ])('of %s names what is wrong with it', async (query, fields) => {
    expect(expectFields(await server.admin.get(`/api/v1/tenants?${query}`))).toEqual(fields);
  });
});

it.each(['tenants', 'cluster/ring'])('a long unknown parameter of %s is told in part', async (path) => {
  const answer = await server.admin.get(`/api/v1/${path}?${'x'.repeat(3_000)}=1`);
  expect(expectFields(answer)).toEqual([expect.stringMatching(/^\?x+…$/)]);
  expect(expectProblem(answer, 'validation-failed').detail.length).toBeLessThan(1_000);
});

describe('the escapes of a query', () => {
  it.each([
    ['tag=%FF', 'tag'],
    ['tag=a&tag=%C3', 'tag'],
    ['pageSize=5&tag=%ED%A0%80&queue=%ff', 'tag'],
    ['tag=50%', 'tag'],
    ['tag=%zz', 'tag'],
    ['%FF=1', '%FF'],
    ['%C3', '%C3'],
  ])('that are no UTF-8, as in %s, are refused by the name of their parameter', async (query, name) => {
    for (const path of [`${tenant.path}/runs`, '/api/v1/tenants', '/nothing']) {
      const { errors, detail } = expectProblem(await server.admin.get(`${path}?${query}`), 'bad-request');
      expect(errors?.map(({ pointer }) => pointer)).toEqual([`?${name}`]);
      expect(detail).toMatch(/expected.*UTF-8.*, got .*%/);
    }
  });

  it('that are, are read', async () => {
    await server.admin.get(`${tenant.path}/runs?tag=%E2%82%AC+%25&queue=a%2Db`).expect(200);
  });
});

describe('a request id', () => {
  it.each(['abc-123', 'A.b_c', 'x'.repeat(100)])('of the caller (%s) comes back', async (id) => {
    const fine = await server.admin.get(tenant.path).set('X-Request-Id', id).expect(200);
    expect(fine.headers['x-request-id']).toBe(id);
    expect(
      expectProblem(await server.admin.get('/nothing').set('X-Request-Id', id), 'not-found').requestId,
    ).toBe(id);
    const malformed = await post().set('X-Request-Id', id).type('json').send('{');
    expect(expectProblem(malformed, 'malformed-json').requestId).toBe(id);
  });

  it.each(['', 'a b', 'x'.repeat(101), '<script>', 'ä'])(
    'that could do harm (%j) is replaced',
    async (id) => {
      const response = await server.admin
        .get(tenant.path)
        .set('X-Request-Id', Buffer.from(id).toString('latin1'));
      expect(response.headers['x-request-id']).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
    },
  );

  it('is another for each request that brings none', async () => {
    const ids = await Promise.all(
      Array.from(
        { length: 20 },
        async () => (await server.anonymous.get('/healthz/live')).headers['x-request-id'],
      ),
    );
    expect(new Set(ids).size).toBe(20);
  });
});

it('no answer tells which software gave it', async () => {
  for (const response of [await server.admin.get(tenant.path), await server.admin.get('/nothing')]) {
    expect(response.headers).not.toHaveProperty('x-powered-by');
    expect(response.headers).not.toHaveProperty('server');
  }
});

/** One request, written by hand, and the whole answer. */
