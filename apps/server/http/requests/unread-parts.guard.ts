// Refuses a body or a query that the route does not read, like an unknown field: a caller who sends a reason must not
// believe that it was kept, and a list with an ignored `?state=dead` would show other runs as well. An empty object
// counts as no body. A health probe may send any query. Runs after the key was checked.
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { Request } from 'express';
import { z } from 'zod';
import { jsonPointer, shortPlace } from '#kernel/json/json-pointer.js';
import { fieldErrors, type Place } from '../problems/field-errors.js';
import { invalidFields } from '../problems/problem.js';
import { turnsFor } from './body-turns.js';

const nothing = z.strictObject({});
const inQuery: Place = ([name]) => shortPlace(`?${String(name)}`);

@Injectable()
export class UnreadPartsGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { body, query, path } = context.switchToHttp().getRequest<Request>();
    if (!path.startsWith('/healthz') && !reads(context, RouteParamtypes.QUERY)) refuse(query, inQuery);
    if (body === undefined || reads(context, RouteParamtypes.BODY)) return true;
    const given: unknown = body;
    await turnsFor(given)?.();
    refuse(given, jsonPointer);
    return true;
  }
}

function refuse(given: unknown, place: Place): void {
  const result = nothing.safeParse(given);
  if (!result.success) throw invalidFields(fieldErrors(result.error.issues, given, place));
}

/** Found once for each route. */
const readBy = new WeakMap<object, ReadonlySet<number>>();

/** Nest's key of a parameter is its kind, a colon, and its index. */
function reads(context: ExecutionContext, part: RouteParamtypes): boolean {
  const route = context.getHandler();
  const known = readBy.get(route);
  if (known !== undefined) return known.has(part);
  const parameters: unknown = Reflect.getMetadata(ROUTE_ARGS_METADATA, context.getClass(), route.name);
  const parts = new Set(Object.keys(parameters ?? {}).map((key) => Number(key.split(':', 1)[0])));
  readBy.set(route, parts);
  return parts.has(part);
}
