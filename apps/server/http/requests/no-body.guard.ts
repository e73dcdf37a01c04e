// Does the route read a body at all? If not, one that says anything is refused as an unknown field would be: a caller
// who sends a reason must not believe that it was kept. An empty object is no body. Comes after the key was looked at.
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { Request } from 'express';
import { z } from 'zod';
import { jsonPointer } from '#kernel/json-pointer.js';
import { fieldErrors } from '../problems/field-errors.js';
import { invalidFields } from '../problems/problem.js';
import { turnsFor } from './body-turns.js';

const noBody = z.strictObject({});

@Injectable()
export class NoBodyGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { body } = context.switchToHttp().getRequest<Request>();
    if (body === undefined || readsBody(context)) return true;
    const given: unknown = body;
    await turnsFor(given)?.();
    const result = noBody.safeParse(given);
    if (!result.success) throw invalidFields(fieldErrors(result.error.issues, given, jsonPointer));
    return true;
  }
}

/** As Nest keeps it: the kind of each parameter, a colon, and its place. */
function readsBody(context: ExecutionContext): boolean {
  const parameters: unknown = Reflect.getMetadata(
    ROUTE_ARGS_METADATA,
    context.getClass(),
    context.getHandler().name,
  );
  return Object.keys(parameters ?? {}).some((key) => key.startsWith(`${RouteParamtypes.BODY}:`));
}
