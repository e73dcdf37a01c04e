// A whole replica in a user's Nest application. Its health and its role are modules of their own, since Nest ends global
// ones last: the health may be global, and the replica has to drain before other modules close what its handlers use.
import { Module, type DynamicModule, type FactoryProvider, type ModuleMetadata } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { CarillonReplica } from './carillon-replica.js';
import { replicaPlan, type CarillonReplicaOptions } from './replica-options.js';
import { PLAN, ReplicaRole } from './replica-role.js';

export interface CarillonReplicaAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  inject?: FactoryProvider['inject'];
  // Nest calls it with what `inject` names, of which the compiler knows nothing.
  // oxlint-disable-next-line typescript/no-explicit-any
  useFactory: (...injected: any[]) => CarillonReplicaOptions | Promise<CarillonReplicaOptions>;
  /** The health can be injected everywhere, without an import of the module. */
  global?: boolean;
}

@Module({})
class HealthModule {}

/** `imports: [CarillonReplicaModule.forRoot({ databaseUrl, url, api: { prefix: '/carillon' } })]`. */
@Module({})
export class CarillonReplicaModule {
  static forRoot({
    global = false,
    ...options
  }: CarillonReplicaOptions & { global?: boolean }): DynamicModule {
    return CarillonReplicaModule.forRootAsync({ global, useFactory: () => options });
  }

  static forRootAsync(options: CarillonReplicaAsyncOptions): DynamicModule {
    const { imports = [], inject = [], useFactory, global = false } = options;
    const health: DynamicModule = {
      module: HealthModule,
      global,
      providers: [CarillonReplica],
      exports: [CarillonReplica],
    };
    return {
      module: CarillonReplicaModule,
      imports: [...imports, health, DiscoveryModule],
      providers: [
        {
          provide: PLAN,
          inject,
          useFactory: async (...injected: unknown[]) => replicaPlan(await useFactory(...injected)),
        },
        ReplicaRole,
      ],
      exports: [health],
    };
  }
}
