// A job is a value that those who ask for it share with those who do it.
import { defineJob } from 'carillon';
import { z } from 'zod';

export const sendInvoice = defineJob({
  name: 'invoice.send',
  payload: z.object({ to: z.email() }),
  output: z.object({ sent: z.string() }),
  retry: { maxAttempts: 5, backoff: 'exponential', minSeconds: 2 },
});
