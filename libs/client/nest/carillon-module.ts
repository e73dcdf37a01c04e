// Carillon in a Nest application that has none of its tables: the client to inject, and the worker that runs methods
// with @JobHandler. The two are modules of their own, since Nest ends global ones last: the client may be global, and
// the worker has to drain before other modules close what its handlers use.
import { Module, type DynamicModule, type FactoryProvider, type ModuleMetadata } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { createClient } from '#client/index.js';
import { CarillonHealth } from './carillon-health.js';
import { CarillonClient } from './client-token.js';
import { clientOptions, OPTIONS, type CarillonOptions } from './options.js';
import { WorkerRole } from './worker-role.js';

export interface CarillonAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  inject?: FactoryProvider['inject'];
  // Nest calls it with what `inject` names, of which the compiler knows nothing.
  // oxlint-disable-next-line typescript/no-explicit-any
  useFactory: (...injected: any[]) => CarillonOptions | Promise<CarillonOptions>;
  /** Client and health can be injected everywhere, without an import of the module. */
  global?: boolean;
}

@Module({})
class ClientModule {}

/**
 * `imports: [CarillonModule.forRoot({ url, tenant, key, worker: {} })]`. Call `app.enableShutdownHooks()`, so that it
 * drains.
 */
@Module({})
export class CarillonModule {
  static forRoot({ global = false, ...options }: CarillonOptions & { global?: boolean }): DynamicModule {
    return CarillonModule.forRootAsync({ global, useFactory: () => options });
  }

  static forRootAsync(options: CarillonAsyncOptions): DynamicModule {
    const { imports = [], inject = [], useFactory, global = false } = options;
    const client: DynamicModule = {
      module: ClientModule,
      global,
      imports,
      providers: [
        { provide: OPTIONS, inject, useFactory },
        {
          provide: CarillonClient,
          inject: [OPTIONS],
          useFactory: (given: CarillonOptions) => createClient(clientOptions(given)),
        },
        CarillonHealth,
      ],
      exports: [OPTIONS, CarillonClient, CarillonHealth],
    };
    return {
      module: CarillonModule,
      imports: [client, DiscoveryModule],
      providers: [WorkerRole],
      exports: [client],
    };
  }
}
