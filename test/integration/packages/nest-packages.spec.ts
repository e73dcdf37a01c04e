// Does `carillon/nest` work where it is installed? The example of docs/examples/nest is compiled and started as it stands,
// and the sub-path has types for each way to resolve it.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../support/free-port.js';
import { oldestNode } from '../../support/oldest-node.js';
import { bring, expectBuilds, expectCompiles, newApplication, usePacked } from '../../support/packed.js';
import { useTestDatabase } from '../../support/test-database.js';
import { useTestServer } from '../../support/test-server.js';
import { finishedRun, readRun, useTenant } from '../../support/test-tenant.js';
import { until } from '../../support/until.js';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../../..');
const EXAMPLE = join(ROOT, 'docs/examples/nest');

const server = useTestServer();
const tenant = useTenant(server);
const packed = usePacked();

describe('docs/examples/nest', () => {
  it('compiles, works on what it has asked for, and finishes that on SIGTERM', async () => {
    const home = await newApplication(packed, 'module');
    const manifest = await readFile(join(EXAMPLE, 'package.json'), 'utf8');
    const { dependencies, devDependencies } = JSON.parse(manifest) as Record<string, object>;
    const names = Object.keys({ ...dependencies, ...devDependencies });
    await bring(home, ...names.filter((name) => name !== 'carillon'));
    await cp(EXAMPLE, home, { recursive: true });
    await expectBuilds(home, '--project', home);

    const port = await freePort();
    const app = spawn(oldestNode(), ['dist/main.js'], {
      cwd: home,
      env: {
        PATH: process.env['PATH'],
        PORT: String(port),
        CARILLON_URL: server.url,
        CARILLON_TENANT: tenant.name,
        CARILLON_KEY: tenant.key,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onTestFinished(() => void app.kill('SIGKILL'));
    const ended = once(app, 'close');
    let said = '';
    for (const stream of [app.stdout, app.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (said += text));
    const url = `http://127.0.0.1:${port}`;
    await until('it is well', async () => {
      expect(app.exitCode, said).toBeNull();
      return (await fetch(`${url}/health`).catch(() => null))?.status === 200;
    });
    const answer = await fetch(`${url}/invoices`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ to: 'ada@example.com' }),
    });
    const { run: id } = (await answer.json()) as { run: string };
    await until('it is at work', async () => (await readRun(tenant, id)).state === 'running');
    app.kill('SIGTERM');
    // Nest ends by the signal itself, once all hooks are over.
    expect(await ended, said).toEqual([null, 'SIGTERM']);
    expect(await readRun(tenant, id)).toMatchObject({ state: 'succeeded', attempt: 1 });
    expect(said).toContain('the worker has ended');
    const { output } = await finishedRun(tenant, { id });
    expect(output).toEqual({ sent: `ada@example.com, once by ${id}` });
  });
});

const TYPED = `
import { defineJob, type SharedContext, type StandardSchemaV1 } from 'carillon';
import { CarillonClient, CarillonModule, JobHandler } from 'carillon/nest';

declare const payload: StandardSchemaV1<unknown, { to: string }>;
const job = defineJob({ name: 'invoice.send', payload });
export class Invoices {
  constructor(readonly carillon: CarillonClient) {}
  @JobHandler(job)
  send({ payload: { to } }: { payload: { to: string } }, { log }: SharedContext) {
    log.info(to);
    return this.carillon.enqueue(job, { to });
  }
  // @ts-expect-error -- it has types, and is not just any value
  @JobHandler(job)
  wrong({ payload: { from } }: { payload: { from: string } }) {
    return from;
  }
}
export const module = CarillonModule.forRoot({ url: 'http://localhost:8080', tenant: 'acme', key: 'sk', worker: {} });
// @ts-expect-error -- a key is needed
CarillonModule.forRoot({ url: 'http://localhost:8080', tenant: 'acme' });
`;

describe('carillon/nest', () => {
  it.each([
    ['module', 'a recent Node', ['--module', 'nodenext']],
    ['module', 'Node 16', ['--module', 'node16']],
    ['module', 'a bundler', ['--module', 'esnext', '--moduleResolution', 'bundler']],
    ['commonjs', 'a recent Node', ['--module', 'nodenext']],
    [
      'commonjs',
      'an old Node',
      ['--module', 'commonjs', '--moduleResolution', 'node10', '--ignoreDeprecations', '6.0'],
    ],
  ] as const)('has types for a %s, resolved as by %s', async (type, _whom, options) => {
    const home = await newApplication(packed, type);
    await bring(home, '@nestjs/common', '@nestjs/core', 'reflect-metadata', 'rxjs');
    await writeFile(join(home, 'app.ts'), TYPED);
    const decorators = ['--experimentalDecorators', '--emitDecoratorMetadata'];
    await expectCompiles(home, 'app.ts', '--noEmit', '--skipLibCheck', ...decorators, ...options);
  });
});

const REPLICA = `
import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CarillonReplica, CarillonReplicaModule, defineJob, JobHandler, type JobContext, type StandardSchemaV1 } from 'carillon-server/nest';

const payload: StandardSchemaV1<unknown, { to: string }> = {
  '~standard': { version: 1, vendor: 'app', validate: (value) => ({ value: value as { to: string } }) },
};
const job = defineJob({ name: 'invoice.send', payload });

@Injectable()
class Invoices {
  @JobHandler(job)
  send({ payload: { to } }: { payload: { to: string } }, { completeInTx }: JobContext) {
    return completeInTx(async () => to);
  }
}

export class Mistaken {
  // @ts-expect-error -- it has types, and is not just any value
  @JobHandler(job)
  wrong({ payload: { from } }: { payload: { from: string } }) {
    return from;
  }
}

// @ts-expect-error -- a number, as in docs/CONFIGURATION.md
CarillonReplicaModule.forRoot({ databaseUrl: '', url: '', api: false, maxRunning: 'many' });
const { DATABASE_URL: databaseUrl } = process.env;
@Module({
  imports: [CarillonReplicaModule.forRoot({ databaseUrl, url: 'http://localhost', api: false, maxRunning: 20 })],
  providers: [Invoices],
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
while (app.get(CarillonReplica).check().carillon.status !== 'up') await new Promise(setImmediate);
console.log(app.get(CarillonReplica).check());
await app.close();
`;

describe('carillon-server/nest', () => {
  const database = useTestDatabase({ per: 'file' });

  it('has types, and runs a replica in an application that has it installed', async () => {
    const home = await mkdtemp(join(packed.folder, 'replica-'));
    await writeFile(join(home, 'package.json'), '{ "type": "module" }');
    // What npm would install beside it is there already.
    await bring(home, ...(await readdir(join(ROOT, 'node_modules'))).filter((name) => !name.startsWith('.')));
    const place = join(home, 'node_modules/carillon-server');
    await mkdir(place);
    await run('tar', ['-xzf', packed.tarballs[1] ?? '', '-C', place, '--strip-components=1']);
    await writeFile(join(home, 'app.ts'), REPLICA);
    const options = [
      '--experimentalDecorators',
      '--emitDecoratorMetadata',
      '--skipLibCheck',
      '--types',
      'node',
    ];
    for (const module of ['node16', 'nodenext'])
      await expectCompiles(home, 'app.ts', '--module', module, ...options);
    const bundled = ['--noEmit', '--module', 'esnext', '--moduleResolution', 'bundler'];
    await expectCompiles(home, 'app.ts', ...bundled, ...options);
    const env = { PATH: process.env['PATH'], DATABASE_URL: database.url };
    const { stdout } = await run(process.execPath, ['app.js'], { cwd: home, env });
    expect(stdout).toBe("{ carillon: { status: 'up', replica: 'ready' } }\n");
  });
});
