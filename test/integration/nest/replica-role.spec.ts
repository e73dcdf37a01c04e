// A Nest application with a whole replica inside: its API under a prefix beside the application's own routes, schedules
// that fire into its providers, its end, and the options that it refuses.
import { Body, Controller, Injectable, Post, type CanActivate, type INestApplication } from '@nestjs/common';
import { setTimeout as rest } from 'node:timers/promises';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { sql } from 'kysely';
import request from 'supertest';
import { beforeAll, afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  createClient,
  defineJob,
  handler,
  type JobContext,
  type JobOf,
  type SharedContext,
} from '#client/index.js';
import {
  CarillonReplica,
  CarillonReplicaModule,
  JobHandler,
  type CarillonReplicaOptions,
} from '#server/nest/index.js';
import { runStatement } from '../../support/admin-statement.js';
import { freePort } from '../../support/free-port.js';
import { untilNothingIsLeft, noteStart } from '../../support/leak-check.js';
import { nestApplication, nestLog, rootModule } from '../../support/nest-application.js';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.js';
import { createSchedule, createTenant, listFires, type TestTenant } from '../../support/test-tenant.js';
import { until } from '../../support/until.js';

const ADMIN_KEY = 'sk_admin_only-for-tests-0123456789abcdef';
const PREFIX = '/carillon';

const greet = defineJob({ name: 'greet', payload: z.object({ to: z.string() }), output: z.string() });
const slow = defineJob({ name: 'slow', payload: z.unknown() });
const written = defineJob({ name: 'written', payload: z.unknown() });
const valued = defineJob({ name: 'valued', payload: z.unknown() });

@Injectable()
class Phrases {
  readonly hello = 'hello';
}

@Injectable()
class Greetings {
  readonly told: string[] = [];
  readonly ended: string[] = [];
  begun: () => void = () => undefined;
  finish: () => void = () => undefined;

  constructor(private readonly phrases: Phrases) {}

  @JobHandler(greet)
  greet({ payload }: JobOf<typeof greet>, { tenant }: SharedContext): string {
    this.told.push(`${this.phrases.hello} ${payload.to} of ${tenant}`);
    return 'greeted';
  }

  @JobHandler(slow)
  async slow(): Promise<void> {
    const mayFinish = new Promise<void>((resolve) => (this.finish = resolve));
    this.begun();
    await mayFinish;
    await rest(300); // all hooks of the end that wait for nothing are over by then
    this.ended.push('worked');
  }

  @JobHandler(written)
  async write(_job: JobOf<typeof written>, { completeInTx }: JobContext): Promise<unknown> {
    return completeInTx(async (trx) => {
      const { rows } = await sql<{ n: number }>`select 41 + 1 as n`.execute(trx);
      return rows[0]?.n;
    });
  }

  onModuleDestroy(): void {
    this.finish();
  }

  beforeApplicationShutdown(): void {
    this.ended.push('closed');
  }
}

@Controller('own')
class OwnController {
  @Post()
  post(@Body() body: object) {
    return { own: body };
  }
}

/** Of the application, for its own routes. */
class OwnGuard implements CanActivate {
  canActivate(): boolean {
    OwnGuard.asked += 1;
    return true;
  }

  static asked = 0;
}

let database: TestDatabase;
beforeAll(async () => {
  noteStart();
  database = await createTestDatabase();
});
afterAll(async () => {
  await untilNothingIsLeft({ sessionsIn: database.url });
  await database.drop();
});

const optionsOf = (more: Partial<CarillonReplicaOptions> = {}): CarillonReplicaOptions => ({
  databaseUrl: database.url,
  url: 'http://127.0.0.1:1',
  api: false,
  adminKey: ADMIN_KEY,
  migrate: false,
  drainSeconds: 20,
  ...more,
});

describe('a replica in an application', () => {
  let app: INestApplication;
  let url: string;
  let tenant: TestTenant;
  const log = nestLog();
  const as = (key: string) => request.agent(`${url}${PREFIX}`).auth(key, { type: 'bearer' });

  beforeAll(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const replica = CarillonReplicaModule.forRootAsync({
      global: true,
      useFactory: async () =>
        optionsOf({
          url: `${url}${PREFIX}`,
          api: { prefix: PREFIX },
          handlers: [handler(valued, (_job, { attempt }) => ({ attempt }))],
          maxRunning: 20,
        }),
    });
    const root = rootModule({
      imports: [replica],
      controllers: [OwnController],
      providers: [Greetings, Phrases, { provide: APP_GUARD, useClass: OwnGuard }],
    });
    app = await NestFactory.create(root, { logger: log.logger, abortOnError: false });
    await app.listen(port, '127.0.0.1');
    await until('it owns every slot', async () => {
      const { body } = await as(ADMIN_KEY).get('/api/v1/cluster/ring');
      return (body as { unowned?: number }).unowned === 0;
    });
    tenant = await createTenant({ admin: as(ADMIN_KEY), as });
  });
  afterAll(() => app.close());

  it("fires a schedule into a provider's method, with what it injects", async () => {
    const { name } = await createSchedule(tenant, {
      spec: { everySeconds: 1 },
      jobType: 'greet',
      payload: { to: 'ada' },
    });
    const told = await until('it has greeted', () => app.get(Greetings).told[0]);
    expect(told).toBe(`hello ada of ${tenant.name}`);
    const fires = await until('the ledger knows', async () => {
      const all = await listFires(tenant, name);
      return all.some(({ outcome }) => outcome === 'fired') && all;
    });
    expect(fires.map(({ outcome }) => outcome)).toContain('fired');
    await tenant.api.delete(`${tenant.path}/schedules/${name}`).set('If-Match', '*').expect(204);
  });

  it('lets a method complete its run in a transaction, and takes what handler() made', async () => {
    const client = createClient({ url: `${url}${PREFIX}`, tenant: tenant.name, key: tenant.key });
    const { id } = await client.enqueue(written, null);
    expect(await client.result(id, { wait: 30 })).toMatchObject({ state: 'succeeded', output: 42 });
    const other = await client.enqueue(valued, null);
    expect(await client.result(other.id, { wait: 30 })).toMatchObject({ output: { attempt: 1 } });
  });

  it('leaves the routes of the application alone, and its guard leaves ours', async () => {
    const before = OwnGuard.asked;
    const { body } = await request(url).post('/own').send({ n: 1 }).expect(201);
    expect(body).toEqual({ own: { n: 1 } });
    expect(OwnGuard.asked).toBe(before + 1);
    await as(ADMIN_KEY).get('/api/v1/cluster/leader').expect(200);
    expect(OwnGuard.asked).toBe(before + 1);
    await request(url).get('/api/v1/cluster/leader').expect(404);
    await request(url).get(`${PREFIX}ish/healthz/ready`).expect(404);
    await request(url).get(`${PREFIX}/healthz/ready?x=1`).expect(200);
  });

  it('tells the places of its API with the prefix', async () => {
    const { headers } = await as(tenant.key)
      .post(`${tenant.path}/runs`)
      .send({ jobType: 'valued' })
      .expect(201);
    const location = z.string().parse(headers['location']);
    expect(location).toMatch(new RegExp(`^${PREFIX}/api/v1/tenants/${tenant.name}/runs/`));
    await request.agent(url).auth(tenant.key, { type: 'bearer' }).get(location).expect(200);
    const { body } = await request(url).get(`${PREFIX}/api/v1/tenants`).expect(401);
    expect(body).toMatchObject({ instance: `${PREFIX}/api/v1/tenants` });
    const described = await request(url).get(`${PREFIX}/openapi.json`).expect(200);
    expect(described.body).toMatchObject({ servers: [{ url: PREFIX }] });
    const root = await request(url).get(PREFIX).set('Accept', 'text/html').expect(302);
    expect(root.headers['location']).toBe(`${PREFIX}/docs`);
    const { text } = await request(url).get(`${PREFIX}/docs`).expect(200);
    const style = z.string().parse(/href="([^"]+\.css)"/.exec(text)?.[1]);
    await request(url)
      .get(new URL(style, `${url}${PREFIX}/docs`).pathname)
      .expect(200);
  });

  it('tells the same place again for a repeated request', async () => {
    const ask = () =>
      as(tenant.key)
        .post(`${tenant.path}/runs`)
        .set('Idempotency-Key', 'again')
        .send({ jobType: 'valued' })
        .expect(201);
    const first = await ask();
    const again = await ask();
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.headers['location']).toBe(first.headers['location']);
  });

  it("logs by the application's logger, and none of its own routes", () => {
    expect(log.lines).toContainEqual(
      expect.stringMatching(/^log \[Carillon\] joined the cluster \{"replica":\d+/),
    );
    expect(log.lines.filter((line) => /^log .*Mapped \{\/api/.test(line))).toEqual([]);
    expect(log.lines.filter((line) => /^debug .*Mapped \{\/api/.test(line)).length).toBeGreaterThan(50);
    expect(log.lines).toContainEqual(expect.stringMatching(/^log \[RouterExplorer\] Mapped \{\/own, POST\}/));
  });

  it('drains as the application is closed, before later hooks close what handlers use', async () => {
    const health = app.get(CarillonReplica);
    expect(health.check('jobs')).toEqual({ jobs: { status: 'up', replica: 'ready' } });
    const greetings = app.get(Greetings);
    const begun = new Promise<void>((resolve) => (greetings.begun = resolve));
    await tenant.api.post(`${tenant.path}/runs`).send({ jobType: 'slow' }).expect(201);
    await begun;
    await app.close();
    expect(greetings.ended).toEqual(['worked', 'closed']);
    expect(health.check()).toEqual({ carillon: { status: 'down', replica: 'ended' } });
    const ended = `select outcome, attempt from carillon.run_history where job_type = 'slow'`;
    expect(await runStatement(database.url, ended)).toEqual([{ outcome: 'succeeded', attempt: 1 }]);
  });
});

describe('an application without a web server', () => {
  it('has a replica without an API', async () => {
    const app = await nestApplication({
      imports: [CarillonReplicaModule.forRoot(optionsOf({ roles: ['worker'] }))],
      providers: [Greetings, Phrases],
    });
    await until('it is ready', () => app.get(CarillonReplica).check().carillon.status === 'up');
    await app.close();
  });

  it('can be closed while its replica waits for the database', async () => {
    const nowhere = optionsOf({ databaseUrl: 'postgres://none@127.0.0.1:1/none' });
    const root = rootModule({ imports: [CarillonReplicaModule.forRoot(nowhere)] });
    const app = await NestFactory.create(root, { logger: nestLog().logger, abortOnError: false });
    const begun = app.init().then(String, String);
    await rest(500);
    await app.close();
    expect(await begun).toContain('aborted');
  });

  it('can mount none', async () => {
    const imports = [CarillonReplicaModule.forRoot(optionsOf({ api: { prefix: 'jobs' } }))];
    await expect(nestApplication({ imports })).rejects.toThrow(
      'to mount the API in, got none; say api: false',
    );
  });

  it('has no two handlers of one job, wherever they come from', async () => {
    const imports = [CarillonReplicaModule.forRoot(optionsOf({ handlers: [handler(greet, () => '')] }))];
    const started = nestApplication({ imports, providers: [Greetings, Phrases] });
    await expect(started).rejects.toThrow(
      'expected one handler for job greet, got two: Greetings.greet of AppModule, handlers[0]',
    );
  });
});
