// What does a caller say about outages, and what is shown of it? A policy is shown with the bounds that it has, also where
// they were not given, and one that contradicts itself is refused.
import { describe, expect, it } from 'vitest';
import { expectFields } from '../../../support/expect-problem.js';
import { openClient } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createSchedule,
  newName,
  patchSchedule,
  useTenant,
  type Schedule,
} from '../../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server);

const DAY = 86_400;
const body = (catchUp: unknown) => ({
  name: newName('s'),
  spec: { everySeconds: 3_600 },
  jobType: 'noop',
  catchUp,
});
const create = (catchUp: unknown) => tenant.api.post(`${tenant.path}/schedules`).send(body(catchUp));
const patch = (schedule: Pick<Schedule, 'name'>, body: object) => patchSchedule(tenant, schedule, body);

describe('what a schedule catches up on', () => {
  it.each([
    [undefined, { mode: 'latest', withinSeconds: DAY }],
    [{ mode: 'none' }, { mode: 'none' }],
    [{ mode: 'latest' }, { mode: 'latest', withinSeconds: DAY }],
    [
      { mode: 'latest', withinSeconds: 60 },
      { mode: 'latest', withinSeconds: 60 },
    ],
    [{ mode: 'all' }, { mode: 'all', withinSeconds: DAY, max: 100 }],
    [
      { mode: 'all', withinSeconds: 31_536_000, max: 1 },
      { mode: 'all', withinSeconds: 31_536_000, max: 1 },
    ],
  ])('given as %j, is shown with its bounds', async (given, shown) => {
    const { body: created } = await create(given).expect(201);
    expect(created).toMatchObject({ catchUp: shown });
    const read = await tenant.api.get(`${tenant.path}/schedules/${(created as { name: string }).name}`);
    expect(read.body).toMatchObject({ catchUp: shown });
  });

  it.each([
    ['without a mode', { withinSeconds: 5 }, ['/catchUp/mode']],
    ['with an unknown mode', { mode: 'some' }, ['/catchUp/mode']],
    ['that is text', 'latest', ['/catchUp']],
    ['with an age for none', { mode: 'none', withinSeconds: 5 }, ['/catchUp/withinSeconds']],
    ['with a number for the latest', { mode: 'latest', max: 5 }, ['/catchUp/max']],
    ['with no age at all', { mode: 'latest', withinSeconds: 0 }, ['/catchUp/withinSeconds']],
    ['with more than a year', { mode: 'all', withinSeconds: 31_536_001 }, ['/catchUp/withinSeconds']],
    ['with more than a hundred runs', { mode: 'all', max: 101 }, ['/catchUp/max']],
    ['with half a run', { mode: 'all', max: 0.5 }, ['/catchUp/max']],
    ['with an unknown field', { mode: 'all', limit: 5 }, ['/catchUp/limit']],
  ])('is refused %s', async (_, given, fields) => {
    expect([...new Set(expectFields(await create(given)))]).toEqual(fields);
  });

  it('is replaced as a whole by a patch, becomes the default with null, and stays when another field changes', async () => {
    const { body: created } = await create({ mode: 'all', max: 7 }).expect(201);
    const schedule = created as { name: string };
    const { body: paid } = await patch(schedule, { payload: { a: 1 } }).expect(200);
    expect(paid).toMatchObject({ catchUp: { mode: 'all', withinSeconds: DAY, max: 7 } });
    const { body: none } = await patch(schedule, { catchUp: { mode: 'none' } }).expect(200);
    expect(none).toMatchObject({ catchUp: { mode: 'none' }, payload: { a: 1 }, revision: 3 });
    const { body: usual } = await patch(schedule, { catchUp: null }).expect(200);
    expect(usual).toMatchObject({ catchUp: { mode: 'latest', withinSeconds: DAY } });
  });

  it('and can not be read by this version is shown as null, and is mended by a patch', async () => {
    const schedule = await createSchedule(tenant);
    const client = await openClient(server.databaseUrl);
    await client.query(`update carillon.schedule set catch_up = '{"mode": "some"}' where name = $1`, [
      schedule.name,
    ]);
    await client.end();
    const read = await tenant.api.get(`${tenant.path}/schedules/${schedule.name}`).expect(200);
    expect(read.body).toMatchObject({ catchUp: null, spec: schedule.spec });
    const { body: mended } = await patch(schedule, { catchUp: { mode: 'all' } }).expect(200);
    expect(mended).toMatchObject({ catchUp: { mode: 'all', withinSeconds: DAY, max: 100 } });
  });
});
