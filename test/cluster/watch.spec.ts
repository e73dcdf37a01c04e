// Are the handlers of a folder taken anew while `npm start -- --watch` goes on?
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { removeEmbeddedPostgres } from '#database/embedded/embedded-postgres.js';
import { until } from '../support/until.js';
import { runUp, untilUp, type UpProcess } from '../support/up-process.js';

let home: string;
let up: UpProcess;

const greeting = (said: string): string => `
import { defineJob, handler } from 'carillon';
import { z } from 'zod';
export const greet = handler(defineJob({ name: 'greet', payload: z.object({}) }), () => ({ said: '${said}' }));
`;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'carillon-watching-'));
  await chmod(home, 0o711); // under root the server runs as another user, who must get in
  await mkdir(join(home, 'jobs'));
  await writeFile(join(home, 'jobs/greet.ts'), greeting('hello'));
  vi.stubEnv('CARILLON_HANDLERS', join(home, 'jobs'));
  up = runUp(join(home, 'data'), '--replicas', '2', '--no-demo', '--watch');
  await untilUp(up, 2);
});

afterAll(async () => {
  vi.unstubAllEnvs();
  up.kill();
  await up.exited;
  await removeEmbeddedPostgres(join(home, 'data/postgres'));
  await rm(home, { recursive: true, force: true });
});

async function post<Answer>(path: string, body: object): Promise<Answer> {
  const { apiUrls = [], adminKey = '' } = (await up.upFile()) ?? {};
  const answer = await fetch(`${apiUrls[0]}/api/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as Answer;
}

/** What a new run says, once it is over. */
async function said(): Promise<unknown> {
  const { id } = await post<{ id: string }>('tenants/acme/runs', { jobType: 'greet' });
  return (await up.get<{ output: unknown }>(`tenants/acme/runs/${id}?wait=30`)).output;
}

it('by all replicas, and not while they do not load', async () => {
  await post('tenants', { name: 'acme' });
  expect(await said()).toEqual({ said: 'hello' });
  await writeFile(join(home, 'jobs/greet.ts'), 'const broken');
  await until('the broken one is told', () => up.output().includes('are not taken:'), 60_000);
  expect(up.output()).toMatch(/greet\.ts: expected a module that loads/);
  expect(await said()).toEqual({ said: 'hello' });
  await writeFile(join(home, 'jobs/greet.ts'), greeting('good evening'));
  await until('both took it', () => up.output().includes('r1 and r2 took them'), 120_000);
  await until('the file names those that are there', async () => (await up.upFile())?.apiUrls.length === 2);
  expect(await said()).toEqual({ said: 'good evening' });
  expect(up.output()).not.toContain('is gone');
});
