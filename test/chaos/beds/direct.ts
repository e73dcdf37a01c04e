// The usual bed: nothing but each replica's own proxy stands before the database.
import type { Bed, Ground } from './bed.js';

export const direct: Bed = {
  name: 'direct',
  prepare: async (_server, databaseUrl) => groundOf(databaseUrl),
  limited: (kind) => kind,
};

/** Of these replicas' login, with nothing between it and the server. */
export function groundOf(productUrl: string): Ground {
  return { productUrl, ports: {}, env: {}, close: async () => undefined };
}
