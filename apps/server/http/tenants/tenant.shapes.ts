// The shape of a tenant in requests and answers.
import type { Response } from 'express';
import { z } from 'zod';
import { EVERY_NAME } from '#execution/endpoints/decisions/allowed-target.js';
import { DEFAULT_SHARES, tenantLimits } from '#execution/limits/limits.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { etagOf } from '../answers/etag.js';
import { queueName } from '../job-types/job-type.shapes.js';
import { instant, resourceName } from '../requests/shapes.js';

const ALLOWED_MAX = 1_000;
const allowed = {
  allowedQueues: z
    .array(z.union([queueName, z.literal(EVERY_NAME)]))
    .max(ALLOWED_MAX)
    .describe("The queues of the application's pg-boss that the tenant's job types may fill; `*` is all."),
  allowedHandlers: z
    .array(z.union([resourceName, z.literal(EVERY_NAME)]))
    .max(ALLOWED_MAX)
    .describe(
      "The handlers that the tenant's own job types may name; `*` is all. Shared job types need no permission.",
    ),
};
export const tenantInput = z.strictObject({
  name: resourceName,
  displayName: z.string().min(1).max(200).optional(),
  allowedQueues: allowed.allowedQueues.default([]),
  allowedHandlers: allowed.allowedHandlers.default([]),
});
const changeable = {
  displayName: z.string().min(1).max(200),
  weight: z.int().min(1).max(1_000).describe("Its share of running time, in proportion to the others'."),
  limits: tenantLimits.nullable().describe('Replaces all limits; null removes them.'),
  retentionDays: z
    .int()
    .min(1)
    .max(3_650)
    .nullable()
    .describe("How long its finished runs are kept, if shorter than the installation's."),
  ...allowed,
};
export const tenantPatch = z.strictObject(changeable).partial();

/** What is left out has its default. */
export const tenantApplied = z.strictObject({
  name: resourceName.optional().describe('The name in the path.'),
  displayName: changeable.displayName.optional().describe('Default: its name.'),
  weight: changeable.weight.default(1),
  limits: tenantLimits.nullable().default(null).describe('All limits; one that is left out has its default.'),
  retentionDays: changeable.retentionDays.default(null),
  allowedQueues: allowed.allowedQueues.default([]),
  allowedHandlers: allowed.allowedHandlers.default([]),
});
export type TenantApplied = z.output<typeof tenantApplied>;

export const tenantShape = z
  .object({
    name: z.string(),
    displayName: z.string(),
    state: z.enum(['active', 'suspended']),
    weight: z.int(),
    limits: z.looseObject(tenantLimits.shape),
    retentionDays: z.int().nullable(),
    allowedQueues: z.array(z.string()),
    allowedHandlers: z.array(z.string()),
    slot: z.int(),
    createdAt: instant,
    revision: z.int(),
  })
  .meta({ id: 'Tenant' });

export function show(tenant: Tenant, response: Response) {
  response.setHeader('ETag', etagOf(tenant.revision));
  return showTenant(tenant);
}

export function showTenant(tenant: Tenant) {
  const { id: _, ...shown } = tenant;
  return { ...shown, limits: { ...DEFAULT_SHARES, ...tenant.limits } };
}
