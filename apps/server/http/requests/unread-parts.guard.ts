// Does the route read a body, or a query, at all? If not, one that says anything is refused as an unknown field would
// be: a caller who sends a reason must not believe that it was kept, nor one who asks for `?state=dead` that he has
// seen those alone. An empty object is no body. A health probe may say in its query what it likes. Comes after the key
// was looked at.
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { Request } from 'express';
import { z } from 'zod';
import { jsonPointer } from '#kernel/json-pointer.js';
import { fieldErrors, type Place } from '../problems/field-errors.js';
import { invalidFields } from '../problems/problem.js';
import { turnsFor } from './body-turns.js';

const nothing = z.strictObject({});
const inQuery: Place = ([name]) => `?${String(name)}`;

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

/** As Nest keeps it: the kind of each parameter, a colon, and its place. */
function reads(context: ExecutionContext, part: RouteParamtypes): boolean {
  const parameters: unknown = Reflect.getMetadata(
    ROUTE_ARGS_METADATA,
    context.getClass(),
    context.getHandler().name,
  );
  return Object.keys(parameters ?? {}).some((key) => key.startsWith(`${part}:`));
}
