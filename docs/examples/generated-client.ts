// The story of the README, told by a client that is generated from the API's description:
//   npm install openapi-fetch openapi-typescript
//   npx openapi-typescript http://127.0.0.1:8080/openapi.json --output carillon-api.d.ts
import createClient from 'openapi-fetch';
import type { components, paths } from './carillon-api.js';

type Schemas = components['schemas'];
export type Run = Schemas['Run'];
export type Fire = Schemas['Fire'];

/** Throws what the server said instead of an answer. */
function got<Data>({
  data,
  error,
}: {
  data?: Data | undefined;
  error?: Schemas['Problem'] | undefined;
}): Data {
  if (data !== undefined) return data;
  throw new Error(error === undefined ? 'expected an answer, got none' : `${error.code}: ${error.detail}`);
}

export async function story(
  baseUrl: string,
  key: string,
): Promise<{ term: number; run: Run; fires: Fire[]; refused: string[] }> {
  const api = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${key}` } });
  const { term } = got(await api.GET('/api/v1/cluster/leader'));

  await api.POST('/api/v1/tenants', { body: { name: 'initech', allowedHandlers: ['*'] } });
  const params = { path: { tenant: 'initech' } };
  const spec: Schemas['ScheduleSpec'] = { cron: '30 8 * * MON-FRI' };
  const report: Schemas['CreateScheduleBody'] = {
    name: 'morning-report',
    spec,
    timeZone: 'Europe/Berlin',
    jobType: 'echo',
    payload: { report: 'sales' },
  };
  const { revision } = got(await api.POST('/api/v1/tenants/{tenant}/schedules', { params, body: report }));
  const pulse = { name: 'pulse', spec: { everySeconds: 1 }, jobType: 'noop' };
  got(await api.POST('/api/v1/tenants/{tenant}/schedules', { params, body: pulse }));

  // The same content again changes nothing.
  const { name, ...content } = report;
  const one = { path: { tenant: 'initech', schedule: name } };
  const again = await api.PUT('/api/v1/tenants/{tenant}/schedules/{schedule}', {
    params: one,
    body: content,
  });
  if (again.response.headers.get('etag') !== `"${revision}"`) throw new Error('expected the same revision');

  const asked = got(
    await api.POST('/api/v1/tenants/{tenant}/runs', {
      params,
      body: { jobType: 'sleep', payload: { ms: 50 } },
    }),
  );
  const run = got(
    await api.GET('/api/v1/tenants/{tenant}/runs/{run}', {
      params: { path: { tenant: 'initech', run: asked.id }, query: { wait: 30 } },
    }),
  );
  const { items: fires } = got(
    await api.GET('/api/v1/tenants/{tenant}/schedules/{schedule}/fires', {
      params: { path: { tenant: 'initech', schedule: 'pulse' }, query: { pageSize: 5 } },
    }),
  );
  await api.DELETE('/api/v1/tenants/{tenant}/schedules/{schedule}', {
    params: { path: { tenant: 'initech', schedule: 'pulse' }, header: { 'If-Match': '*' } },
  });

  // A problem is typed, too.
  const bad = await api.POST('/api/v1/tenants/{tenant}/runs', { params, body: { jobType: 'not-there' } });
  const refused = bad.error?.errors?.map(({ pointer }) => pointer) ?? [];
  return { term, run, fires, refused };
}
