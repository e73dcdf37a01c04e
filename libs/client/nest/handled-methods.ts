// Which methods of an application's providers handle jobs? Nest's discovery lists the providers once all of them exist.
// A decorated method that could never be called is refused by its name, since its runs would wait in silence.
import type { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { handledJob } from '#client/jobs/job-handler.js';
import type { JobDefinition, JobHandlerFunction } from '#client/jobs/job-definition.js';

export interface HandledMethod {
  readonly definition: JobDefinition<unknown>;
  /** Bound to its provider. */
  readonly handle: JobHandlerFunction<unknown>;
  /** `Invoices.send of AppModule`. */
  readonly place: string;
}

type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** Throws a TypeError for a provider that is not a singleton. */
export function handledMethods(discovery: DiscoveryService, scanner: MetadataScanner): HandledMethod[] {
  const found = new Map<object, HandledMethod[]>();
  for (const wrapper of [...discovery.getProviders(), ...discovery.getControllers()]) {
    const instance: unknown = wrapper.instance;
    // A provider by another name (useExisting) is the same object.
    if (typeof instance === 'object' && instance !== null && !found.has(instance))
      found.set(instance, methodsOf(wrapper, instance, scanner));
  }
  return [...found.values()].flat();
}

/** Throws a TypeError that names both places. */
export function refuseTwice(handlers: readonly { definition: { name: string }; place: string }[]): void {
  const places = new Map<string, string>();
  for (const { definition, place } of handlers) {
    const other = places.get(definition.name);
    if (other !== undefined)
      throw new TypeError(`expected one handler for job ${definition.name}, got two: ${other}, ${place}`);
    places.set(definition.name, place);
  }
}

function methodsOf(wrapper: Wrapper, instance: object, scanner: MetadataScanner): HandledMethod[] {
  const prototype = Object.getPrototypeOf(instance) as object | null;
  return scanner.getAllMethodNames(prototype).flatMap((name) => {
    const method: unknown = Reflect.get(instance, name);
    const definition = handledJob(method);
    if (definition === undefined) return [];
    const place = `${instance.constructor.name}.${name} of ${wrapper.host?.name ?? 'no module'}`;
    if (wrapper.isTransient || !wrapper.isDependencyTreeStatic())
      throw new TypeError(
        `expected @JobHandler(${definition.name}) in a provider that is there once, got ${place}, which is made for each ${wrapper.isTransient ? 'user' : 'request'}: a run is no request; resolve what belongs to one by ModuleRef`,
      );
    // A decorated method has the handler's signature; the decorator's own type requires it.
    return [{ definition, handle: (method as JobHandlerFunction<unknown>).bind(instance), place }];
  });
}
