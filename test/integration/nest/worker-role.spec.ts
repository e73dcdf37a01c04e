// A Nest application with CarillonModule: its client, its worker and its health.
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { setTimeout as rest } from 'node:timers/promises';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  defineJob,
  handler,
  remoteHandler,
  type Client,
  type JobOf,
  type SharedContext,
} from '#client/index.js';
import {
  CarillonClient,
  CarillonHealth,
  CarillonModule,
  InjectClient,
  JobHandler,
  type CarillonOptions,
} from '#client/nest/index.js';
import { nestApplication, nestLog, rootModule } from '../../support/nest-application.js';
import { useTestServer } from '../../support/test-server.js';
import { createKey, finishedRun, useTenant } from '../../support/test-tenant.js';
import { until } from '../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);
const reach = () => ({ url: server.url, tenant: tenant.name, key: tenant.key });
const carillon = (options: Partial<CarillonOptions> = {}) =>
  CarillonModule.forRoot({ ...reach(), ...options });

const greet = defineJob({ name: 'greet', payload: z.object({ to: z.string() }), output: z.string() });
const echo = defineJob({ name: 'echo', payload: z.unknown() });
const other = defineJob({ name: 'greet.other', payload: z.unknown(), retry: { maxAttempts: 3 } });

@Injectable()
class Phrases {
  readonly hello = 'hello';
}

@Injectable()
class Greetings {
  constructor(
    private readonly phrases: Phrases,
    private readonly carillonClient: CarillonClient,
  ) {}

  @JobHandler(greet)
  greet({ payload }: JobOf<typeof greet>, { attempt }: SharedContext): string {
    return `${this.phrases.hello} ${payload.to}, ${attempt}`;
  }

  ask(to: string) {
    return this.carillonClient.enqueue(greet, { to });
  }
}

const running = (app: { get: (token: typeof CarillonHealth) => CarillonHealth }) =>
  until('the worker has registered', () => app.get(CarillonHealth).check().carillon.worker === 'running');

describe('CarillonModule', () => {
  it("runs a provider's @JobHandler with what it injects, asked for by the injected client", async () => {
    const log = nestLog();
    const imports = [carillon({ worker: { concurrency: 2 } })];
    const app = await nestApplication({ imports, providers: [Greetings, Phrases] }, log);
    await running(app);
    const { id } = await app.get(Greetings).ask('ada');
    expect(await finishedRun(tenant, { id })).toMatchObject({ state: 'succeeded', output: 'hello ada, 1' });
    expect(log.lines).toContainEqual(
      expect.stringContaining(`log [Carillon] the worker of tenant ${tenant.name} has registered: greet`),
    );
  });

  it('takes its options from a factory, and is injected everywhere where it is global', async () => {
    const settings = Symbol('settings');
    @Injectable()
    class Asker {
      constructor(@InjectClient() readonly client: Client) {}
    }
    const provider = { provide: settings, useFactory: reach };
    const app = await nestApplication({
      imports: [
        CarillonModule.forRootAsync({
          global: true,
          imports: [rootModule({ providers: [provider], exports: [settings] })],
          inject: [settings],
          useFactory: async (given: ReturnType<typeof reach>) => given,
        }),
        rootModule({ providers: [Asker] }),
      ],
    });
    const { id } = await app.get(Asker, { strict: false }).client.enqueue(echo, { n: 1 });
    expect(await finishedRun(tenant, { id })).toMatchObject({ output: { n: 1 } });
    expect(app.get(CarillonHealth).check()).toEqual({ carillon: { status: 'up', worker: 'off' } });
  });

  it('finishes what it does as it is closed, before global modules and later hooks close what handlers use', async () => {
    const told: string[] = [];
    let begun = (): void => undefined;
    const isRunning = new Promise<void>((resolve) => (begun = resolve));
    let finish = (): void => undefined;
    const mayFinish = new Promise<void>((resolve) => (finish = resolve));
    @Injectable()
    class Slow implements OnModuleDestroy {
      @JobHandler(other)
      async work() {
        begun();
        await mayFinish;
        await rest(300); // all hooks of the end that wait for nothing are over by then
        told.push('worked');
      }

      onModuleDestroy(): void {
        finish();
      }

      beforeApplicationShutdown(): void {
        told.push('closed');
      }
    }
    @Injectable()
    class Connection implements OnModuleDestroy {
      onModuleDestroy(): void {
        told.push('disconnected');
      }
    }
    const shared = { module: rootModule({}), global: true, providers: [Connection], exports: [Connection] };
    const imports = [CarillonModule.forRoot({ ...reach(), worker: {}, global: true }), shared];
    const app = await nestApplication({ imports, providers: [Slow] });
    await running(app);
    const { id } = await app.get(CarillonClient).enqueue(other, null);
    await isRunning;
    await app.close();
    expect(told).toEqual(['worked', 'disconnected', 'closed']);
    expect(await finishedRun(tenant, { id })).toMatchObject({ state: 'succeeded', attempt: 1 });
  });

  it('says in the log and by its health that the API has refused it for good, and the process goes on', async () => {
    const log = nestLog();
    const worker = { handlers: [remoteHandler(greet, ({ payload }) => payload.to)] };
    const imports = [carillon({ key: 'sk_wrong', worker }), TerminusModule];
    const app = await nestApplication({ imports }, log);
    const health = app.get(CarillonHealth);
    const ended = await until('it has ended', () => {
      const { carillon: now } = health.check();
      return now.worker === 'ended' && now;
    });
    expect(ended).toMatchObject({ status: 'down', reason: expect.stringContaining('its key is not valid') });
    expect(log.lines).toContainEqual(expect.stringMatching(/^error \[Carillon\] .*its key is not valid/));
    const terminus = app.get(HealthCheckService, { strict: false });
    const checked = terminus
      .check([() => health.check('jobs')])
      .catch((error: { response: object }) => error.response);
    expect(await checked).toMatchObject({
      status: 'error',
      error: { jobs: { status: 'down', worker: 'ended' } },
    });
  });

  it('is up for Terminus while its worker runs, and down once an operator has ended that', async () => {
    const worker = { name: 'ended-one', handlers: [remoteHandler(greet, ({ payload }) => payload.to)] };
    const app = await nestApplication({ imports: [carillon({ worker }), TerminusModule] });
    const health = app.get(CarillonHealth);
    expect(health.check()).toEqual({ carillon: { status: 'down', worker: 'registering' } });
    await running(app);
    const terminus = app.get(HealthCheckService, { strict: false });
    const details = { carillon: { status: 'up', worker: 'running' } };
    expect(await terminus.check([() => health.check()])).toMatchObject({ status: 'ok', details });
    const { body } = await tenant.api.get(`${tenant.path}/worker/workers`).expect(200);
    const { items } = z
      .object({ items: z.array(z.object({ id: z.string(), name: z.string() })) })
      .parse(body);
    const id = items.find(({ name }) => name === 'ended-one')?.id;
    await tenant.api.post(`${tenant.path}/worker/workers/${id}:terminate`).expect(200);
    await until('its next heartbeat ends it', () => health.check().carillon.worker === 'ended', 60_000);
    expect(health.check().carillon.reason).toBe('an operator has ended it');
  });

  it('runs what handler() made, in which what a worker has not refuses for good', async () => {
    const seen: unknown[] = [];
    const moved = handler(other, async (_job, { tenant: name, completeInTx }) => {
      seen.push(name);
      await completeInTx(() => Promise.resolve(1));
    });
    const app = await nestApplication({ imports: [carillon({ worker: { handlers: [moved] } })] });
    await running(app);
    const { id } = await app.get(CarillonClient).enqueue(other, null);
    const run = await finishedRun(tenant, { id });
    expect(run).toMatchObject({ state: 'failed', attempt: 1 });
    expect(run.error?.message).toContain('expected completeInTx of greet.other to be called in a replica');
    expect(seen).toEqual([tenant.name]);
  });

  it('needs no more than a worker’s key for the worker', async () => {
    const { key } = await createKey(server.admin, tenant.path, { role: 'worker' });
    const app = await nestApplication({
      imports: [carillon({ key, worker: {} })],
      providers: [Greetings, Phrases],
    });
    await running(app);
    expect(app.get(CarillonHealth).check().carillon.status).toBe('up');
  });
});
