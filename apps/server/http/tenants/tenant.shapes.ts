// The shape of a tenant in answers.
import type { Response } from 'express';
import { z } from 'zod';
import { DEFAULT_SHARES, tenantLimits } from '#execution/limits/limits.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { etagOf } from '../answers/etag.js';
import { instant } from '../requests/shapes.js';

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
