// The usual bed: nothing but each replica's own proxy stands before the database.
import type { Bed } from './bed.js';

export const direct: Bed = {
  name: 'direct',
  prepare: async () => ({ workPort: null, close: async () => undefined }),
  limited: (kind) => kind,
};
