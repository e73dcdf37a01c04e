// The parts of the API's answers that `up` reads. They are checked as they arrive, since a replica of another release
// may answer.
import { z } from 'zod';

const instant = z.coerce.date();

export const leader = z.object({ term: z.int(), replica: z.int().nullable() });

export const replica = z.object({
  number: z.int(),
  name: z.string(),
  pid: z.int(),
  url: z.string().nullable(),
  state: z.string(),
  startedAt: instant,
  ownedSlots: z.int(),
});
export type ReplicaRow = z.infer<typeof replica>;
export const replicas = z.object({ items: z.array(replica) });

export const run = z.object({
  id: z.string(),
  jobType: z.string(),
  state: z.string(),
  scheduleId: z.string().nullable(),
  dueAt: instant.nullable(),
  attempt: z.int(),
  pastAttempts: z.array(
    z.object({
      attempt: z.int(),
      finishedAt: instant.nullish(),
      error: z.object({ message: z.string() }).nullish(),
    }),
  ),
  replica: z.int().nullable(),
  startedAt: instant.nullable(),
  finishedAt: instant.nullable(),
});
export type Run = z.infer<typeof run>;
export const runs = z.object({ items: z.array(run), nextPageToken: z.string().nullable() });

export const jobType = z.object({ target: z.object({ kind: z.string(), url: z.string().optional() }) });

export const fire = z.object({ dueAt: instant, outcome: z.string(), latenessMs: z.number().nullable() });
export type Fire = z.infer<typeof fire>;
export const fires = z.object({ items: z.array(fire) });

export const problem = z.object({ type: z.string(), detail: z.string() });
