// What do replicas run that is limited? Handlers that keep an account of their spells, each a line as it begins and one
// as it ends, in a file outside of the database. Instants are those of the machine's monotonic clock, which all of its
// processes share and no step of a wall clock moves. One works in its process, one computes in a thread, and one
// writes a row in the transaction that completes its run.
import { appendFileSync } from 'node:fs';
import { setTimeout as rest } from 'node:timers/promises';
import { defineJob, handler, type JobContext } from 'carillon';
import { sql } from 'kysely';
import { z } from 'zod';

const payload = z.looseObject({ ms: z.int() });
const retry = { maxAttempts: 100, minSeconds: 0.5, maxSeconds: 1 };

const spell = defineJob({ name: 'spell', payload, retry });
export const inProcess = handler(spell, async ({ payload: { ms } }, context) => {
  note('begin', context);
  try {
    await rest(ms, undefined, { signal: context.signal });
  } finally {
    note('end', context);
  }
});

const computed = defineJob({ name: 'spell.thread', payload, retry });
export const inThread = handler(
  computed,
  ({ payload: { ms } }, context) => {
    note('begin', context);
    const endMs = performance.now() + ms;
    while (performance.now() < endMs && !context.signal.aborted);
    note('end', context);
    context.signal.throwIfAborted();
  },
  { thread: true },
);

const committed = defineJob({ name: 'spell.in-tx', payload, retry });
export const inTransaction = handler(committed, async ({ payload: { ms } }, context) => {
  note('begin', context);
  try {
    await rest(ms, undefined, { signal: context.signal });
    return await context.completeInTx(async (trx) => {
      await sql`insert into chaos.effect (run, attempt) values (${context.runId}, ${context.attempt})`.execute(
        trx,
      );
      for (const [lock, token] of Object.entries(context.locks)) {
        await sql`select carillon.check_lock(${context.tenant}, ${lock}, ${token})`.execute(trx);
        await sql`insert into chaos.lock_write (lock, token, holder) values (${lock}, ${token}, ${context.runId})`.execute(
          trx,
        );
      }
      // A replica that sees the run as over may start the next one before this process gets the answer to its own commit.
      note('end', context);
    });
  } catch (error) {
    note('end', context);
    throw error;
  }
});

function note(event: 'begin' | 'end', { runId, attempt }: Pick<JobContext, 'runId' | 'attempt'>): void {
  const file = process.env['CHAOS_SPELLS'];
  if (file === undefined) throw new Error('expected CHAOS_SPELLS to name a file, got nothing');
  const atMs = Number(process.hrtime.bigint()) / 1e6;
  appendFileSync(file, `${JSON.stringify({ event, run: runId, attempt, pid: process.pid, atMs })}\n`);
}
