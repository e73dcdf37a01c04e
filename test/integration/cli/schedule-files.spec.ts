// Do `schedules apply` and `diff` make schedules what files say, and nothing where one of them can't be right?
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { callCarillon, type Circumstances } from '../../support/cli-call.js';
import { useTestServer } from '../../support/test-server.js';
import { newName, readSchedule, useTenant } from '../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carillon-files-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const call = (words: string, more: Circumstances = {}) =>
  callCarillon(words.split(' '), {
    folder,
    env: { CARILLON_URL: server.url, CARILLON_KEY: tenant.key },
    ...more,
  });
const file = async (text: string): Promise<string> => {
  const name = `${newName('file')}.yaml`;
  await writeFile(join(folder, name), text);
  return name;
};

const FILE = `
- name: follows
  spec: { afterSuccessOf: first }
  jobType: noop
- name: first
  spec: { cron: '@every 1h30m' }
  startAt: 2031-01-01T00:00:00Z
  jobType: noop
  catchUp: { mode: all }
  overlap: { mode: queue }
  locks: [books]
---
name: workdays
spec: { anyOf: [{ cron: 0 9 * * MON-FRI }, { rrule: 'freq=weekly;byday=SA' }] }
timeZone: Europe/Berlin
clockChanges: { repeat: both }
jobType: echo
payload: { of: [1, 2] }
labels: { team: books }
---
{ "name": "dates", "spec": { "at": ["2032-01-01T00:00:00+01:00", "2031-01-01T00:00:00Z"] }, "jobType": "noop", "priority": 3 }
`;

it('are made in the order in which they follow, and the same files again change nothing', async () => {
  const path = await file(FILE);
  const first = await call(`schedules apply -f ${path}`);
  expect(first.out).toMatch(
    /^first\tcreated\t.*\nfollows\tcreated\t.*\nworkdays\tcreated\t.*\ndates\tcreated\t/,
  );
  expect(await call(`schedules diff -f ${path}`)).toMatchObject({
    code: 0,
    out: '',
    err: 'carillon: no difference\n',
  });
  const again = await call(`schedules apply -f ${path}`);
  expect(again.out.match(/\tunchanged\t/g)).toHaveLength(4);
});

it('what get prints can be applied, and only what a file changes differs', async () => {
  await call(`schedules apply -f ${await file(FILE)}`);
  const { out: input } = await call('schedules ls -o json');
  expect(await call('schedules diff -f -', { input })).toMatchObject({ code: 0 });
  const changed = await file(
    `{ name: workdays, spec: { cron: 0 9 * * MON-FRI }, timeZone: Europe/Berlin, jobType: echo, payload: { of: [1, 2] } }`,
  );
  const diff = await call(`schedules diff -f ${changed} -o json`);
  expect(diff.code).toBe(1);
  expect((JSON.parse(diff.out) as { field: string }[]).map(({ field }) => field).toSorted()).toEqual([
    'clockChanges',
    'labels',
    'spec',
  ]);
  const applied = await call(`schedules apply -f ${changed} -o json`);
  expect(JSON.parse(applied.out)).toMatchObject([{ name: 'workdays', result: 'updated', revision: 2 }]);
  expect(await readSchedule(tenant, 'workdays')).toMatchObject({
    labels: {},
    clockChanges: { repeat: 'first' },
  });
});

it('the file that docs/CLI.md shows can be applied', async () => {
  const page = await readFile(resolve(import.meta.dirname, '../../../docs/CLI.md'), 'utf8');
  const [, yaml = ''] = /^```yaml\n(.*?)^```$/ms.exec(page) ?? [];
  const called = await call('schedules apply -f -', { input: yaml });
  expect(called.out).toMatch(/^nightly-report\tcreated\t.*\npulse\tcreated\t.*\nafter-pulse\tcreated\t/);
});

/** Each is nine of the one before. */
const ALIASES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

it.each([
  ['{ name: b, spec: { cron: 0 25 * * * }, jobType: noop }', 2, 'schedule 2 (b) /spec/cron: expected hour'],
  [
    '{ name: b, spec: { everySeconds: 5 }, jobType: none }',
    3,
    'schedule 2 (b): expected job type "none" to exist',
  ],
  [
    '{ name: b, spec: { everySeconds: 5 } }',
    2,
    'schedule 2: expected jobType to be the name of a job type, got undefined',
  ],
  ['{ name: b, jobType: noop }', 2, 'schedule 2: expected spec to be an object'],
  ['{ name: b, spec: { cran: 5 }, jobType: noop }', 2, 'expected no option cran; there are name, cron,'],
  ['{ name: fresh, spec: { everySeconds: 5 }, jobType: noop }', 2, 'expected one schedule fresh, got 2'],
  ['7', 2, 'schedule 2: expected an object with name, spec and jobType, got 7'],
  ['[', 2, 'expected YAML or JSON, got'],
  [
    '&a { name: b, spec: { everySeconds: 5 }, jobType: noop, payload: *a }',
    2,
    'expected at most 200000 values',
  ],
  [
    `[${ALIASES.map(
      (name, index) =>
        `&${name} [${Array(9)
          .fill(index === 0 ? '1' : `*${ALIASES[index - 1]}`)
          .join(', ')}]`,
    ).join(', ')}]`,
    2,
    'expected at most 200000 values',
  ],
  ['{ name: b, spec: { everySeconds: 5 }, jobType: noop, tenants: [a] }', 2, 'expected no field tenants'],
])('none is written where one can’t be right: %s', async (second, code, err) => {
  const fresh = '{ name: fresh, spec: { everySeconds: 3600 }, jobType: noop }';
  const called = await call(`schedules apply -f ${await file(`${fresh}\n---\n${second}`)}`);
  expect(called.err).toContain(err);
  expect(called).toMatchObject({ code, out: '' });
  expect((await call('schedules get fresh')).code).toBe(3);
});
