// Finds the application's handlers: every method of a provider that is decorated with @JobHandler, once all providers
// exist.
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { handledJob } from '#client/jobs/job-handler.js';
import type { JobHandlerFunction } from '#client/jobs/job-definition.js';
import { HandlerRegistry } from '#execution/targets/handler-registry.js';

@Injectable()
export class HandlerExplorer implements OnModuleInit {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly registry: HandlerRegistry,
  ) {}

  onModuleInit(): void {
    for (const { instance } of this.discovery.getProviders()) {
      if (typeof instance === 'object' && instance !== null)
        this.#register(instance as Record<string, unknown>);
    }
  }

  #register(provider: Record<string, unknown>): void {
    for (const name of this.scanner.getAllMethodNames(Object.getPrototypeOf(provider) as object | null)) {
      const method = provider[name];
      const definition = handledJob(method);
      // A decorated method has the handler's signature; the decorator's own type requires it.
      if (definition !== undefined)
        this.registry.register({
          definition,
          handle: (method as JobHandlerFunction<unknown>).bind(provider),
        });
    }
  }
}
