// Which mistakes end the start of a Nest application with CarillonModule, and what does its decorator refuse? None of them
// needs a replica.
import { Inject, Injectable, Scope } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import * as root from '#client/index.js';
import { defineJob, handler, type JobOf } from '#client/index.js';
import { CarillonHealth, CarillonModule, JobHandler, type CarillonOptions } from '#client/nest/index.js';
import { nestApplication, rootModule } from '../../support/nest-application.js';

const carillon = (options: Partial<CarillonOptions>) =>
  CarillonModule.forRoot({ url: 'http://127.0.0.1:9', tenant: 'acme', key: 'sk_acme', ...options });

const greet = defineJob({ name: 'greet', payload: z.object({ to: z.string() }), output: z.string() });
const other = defineJob({ name: 'greet.other', payload: z.unknown() });

@Injectable()
class Greetings {
  @JobHandler(greet)
  greet({ payload }: JobOf<typeof greet>): string {
    return payload.to;
  }
}

describe('a mistake ends the start of the application', () => {
  const start = (options: Partial<CarillonOptions>, ...providers: (new (...given: never[]) => object)[]) =>
    nestApplication({ imports: [carillon(options)], providers: [...providers] });

  @Injectable()
  class Another {
    @JobHandler(greet)
    greet() {
      return 'another';
    }
  }

  @Injectable({ scope: Scope.REQUEST })
  class OfRequest {
    @JobHandler(other)
    work() {}
  }

  @Injectable()
  class ByRequest {
    constructor(@Inject(OfRequest) readonly needed: OfRequest) {}

    @JobHandler(greet)
    greet() {
      return '';
    }
  }

  @Injectable({ scope: Scope.TRANSIENT })
  class OfUser {
    @JobHandler(other)
    work() {}
  }

  const thread = handler(other, () => undefined, { thread: true });

  it.each([
    [
      'two handlers of a job',
      { worker: {} },
      [Greetings, Another],
      'expected one handler for job greet, got two: Greetings.greet of AppModule, Another.greet of AppModule',
    ],
    [
      'a handler in a provider of requests',
      { worker: {} },
      [OfRequest],
      'got OfRequest.work of AppModule, which is made for each request',
    ],
    [
      'one that needs such a provider',
      { worker: {} },
      [ByRequest, OfRequest],
      'which is made for each request',
    ],
    [
      'a handler in a provider of users',
      { worker: {} },
      [OfUser],
      'got OfUser.work of AppModule, which is made for each user',
    ],
    [
      'a handler without a worker',
      {},
      [Greetings],
      'expected CarillonModule to have a worker for @JobHandler(greet) in Greetings.greet of AppModule, got none',
    ],
    [
      'a worker without a handler',
      { worker: {} },
      [],
      'expected a method with @JobHandler in a provider, or worker.handlers, got none',
    ],
    [
      'a handler that is none',
      { worker: { handlers: [greet as object] } },
      [],
      'expected worker.handlers[0] to be made by handler(…) or remoteHandler(…), got object',
    ],
    [
      'handlers that are no list',
      { worker: { handlers: {} as object } },
      [],
      'expected worker.handlers to be a list, got object',
    ],
    [
      'a handler for a thread',
      { worker: { handlers: [thread] } },
      [],
      'expected worker.handlers[0] (greet.other) to run in the process, got thread: true',
    ],
    [
      'an option that no worker has',
      { worker: { slots: 3 } as object },
      [],
      'expected no option worker.slots; it is called concurrency',
    ],
    ['an option that no client has', { apiKey: 'sk' }, [], 'expected no option apiKey; it is called key'],
    ['no key', { key: undefined }, [], 'expected key to be an API key of the tenant, got nothing'],
  ] as const)('%s', async (_what, options, providers, message) => {
    await expect(start(options as Partial<CarillonOptions>, ...providers)).rejects.toThrow(message);
  });

  it('but not a handler whose worker is another process', async () => {
    const app = await start({ worker: false }, Greetings);
    expect(app.get(CarillonHealth).check().carillon.status).toBe('up');
  });

  it('nor a provider that has two names', async () => {
    const alias = { provide: 'greetings', useExisting: Greetings };
    const imports = [carillon({ worker: {} })];
    const app = await nestApplication({ imports, providers: [Greetings, alias] });
    expect(app.get(CarillonHealth).check().carillon.worker).toBe('registering');
  });
});

describe('@JobHandler', () => {
  it('is refused on what is no method of an instance', () => {
    const decorate = JobHandler(other) as (...given: unknown[]) => void;
    const message = 'expected @JobHandler(greet.other) on a method that is not static';
    expect(() => decorate({}, 'field', undefined)).toThrow(message);
    expect(() => decorate(rootModule, 'work', { value: () => undefined })).toThrow(message);
    expect(() => decorate(() => undefined, { kind: 'method', name: 'work' })).toThrow(message);
    expect(() => (JobHandler as (job: object) => unknown)({ name: 'greet' })).toThrow('made by defineJob');
  });

  it('lets its types say which context a method may ask for, and what it must return', () => {
    class Typed {
      @JobHandler(other)
      inWorker(_job: JobOf<typeof other>, { fencingToken }: root.RemoteContext) {
        return fencingToken;
      }

      @root.JobHandler(other)
      inReplica(_job: JobOf<typeof other>, { completeInTx }: root.JobContext) {
        return completeInTx;
      }

      // @ts-expect-error -- a worker has no transaction in the database of the runs
      @JobHandler(other)
      notInWorker(_job: JobOf<typeof other>, { completeInTx }: root.JobContext) {
        return completeInTx;
      }

      // @ts-expect-error -- a replica has no lease
      @root.JobHandler(other)
      notInReplica(_job: JobOf<typeof other>, { fencingToken }: root.RemoteContext) {
        return fencingToken;
      }

      // @ts-expect-error -- the output is a text
      @JobHandler(greet)
      otherOutput() {
        return 1;
      }
    }
    expect(Typed.name).toBe('Typed');
  });
});
