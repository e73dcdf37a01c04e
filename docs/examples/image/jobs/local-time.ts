// A handler with a package of its own. `carillon` and zod are those of the replica.
import { defineJob, handler } from 'carillon';
import { DateTime } from 'luxon';
import { z } from 'zod';

const localTime = defineJob({
  name: 'local-time',
  payload: z.object({ zone: z.string() }),
});

export const tellingTime = handler(localTime, ({ payload }) => ({
  time: DateTime.now().setZone(payload.zone).toISO(),
}));
