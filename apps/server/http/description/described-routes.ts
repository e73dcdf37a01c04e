// Which handler answers an operation of the document? Its decorators say who may call it, which the document tells, too.
import { ModulesContainer } from '@nestjs/core';
import type { INestApplication, Type } from '@nestjs/common';
import { DECORATORS } from '@nestjs/swagger';
import { callersOf, type Callers } from '../access/auth.guard.js';

/** By the ids of the operations. */
export function callersById(app: INestApplication): ReadonlyMap<string, Callers> {
  const found = new Map<string, Callers>();
  for (const { controllers } of app.get(ModulesContainer).values())
    for (const { metatype } of controllers.values())
      if (typeof metatype === 'function') gather(metatype as Type, found);
  return found;
}

function gather(controller: Type, found: Map<string, Callers>): void {
  const routes = controller.prototype as Record<string, unknown>;
  for (const name of Object.getOwnPropertyNames(routes)) {
    const route = routes[name];
    if (typeof route !== 'function') continue;
    const operation: unknown = Reflect.getMetadata(DECORATORS.API_OPERATION, route);
    const id = (operation as { operationId?: string } | undefined)?.operationId;
    if (id !== undefined) found.set(id, callersOf(route as Type, controller));
  }
}
