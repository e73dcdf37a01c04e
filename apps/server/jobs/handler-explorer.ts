// Finds the application's handlers: every method of a provider that is decorated with @JobHandler, once all providers
// exist.
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { handledMethods } from '#client/nest/handled-methods.js';
import { HandlerRegistry } from '#execution/targets/handler-registry.js';

@Injectable()
export class HandlerExplorer implements OnModuleInit {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly registry: HandlerRegistry,
  ) {}

  onModuleInit(): void {
    for (const found of handledMethods(this.discovery, this.scanner)) this.registry.register(found);
  }
}
