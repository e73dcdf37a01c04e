// Creates a run, and waits for its end if that is wanted: `carillon enqueue report --payload '{}' --wait` in a script.
import type { Command } from 'commander';
import { defineJob } from '#client/jobs/job-definition.js';
import type { StandardSchemaV1 } from '#client/jobs/standard-schema.js';
import { does, instant, several, whole, type Kit } from '../kit.js';
import { readJson } from '../json-input.js';
import { untilRunEnds } from '../waiting.js';

interface Options {
  readonly payload: string;
  readonly wait?: true | number;
  readonly queue?: string;
  readonly priority?: number;
  readonly tag?: readonly string[];
  readonly concurrencyKey?: string;
  readonly delay?: number;
  readonly runAt?: string;
  readonly deadline?: string;
  readonly uniqueKey?: string;
  readonly idempotencyKey?: string;
}

const DAY_SECONDS = 86_400;

/** The job type's own schema checks it, in the replica. */
const ANY: StandardSchemaV1<unknown, unknown> = {
  '~standard': { version: 1, vendor: 'carillon', validate: (value) => ({ value }) },
};

export function addEnqueue(program: Command, kit: Kit): void {
  const enqueue = program
    .command('enqueue')
    .description('Create a run of a job type')
    .argument('<job>', 'its job type')
    .option('-p, --payload <json>', 'JSON, @FILE, or - for stdin', '{}')
    .option(
      '-w, --wait [seconds]',
      'wait for its end, at most a day; exits with 1 unless it has succeeded',
      whole(0, DAY_SECONDS),
    )
    .option('--queue <name>', 'its queue')
    .option('--priority <n>', 'higher goes first', whole(-100, 100))
    .option('--tag <tag>', 'a tag; several times for several', several)
    .option('--concurrency-key <key>', 'shares the limit of its key')
    .option('--delay <seconds>', 'it starts no sooner than so long from now', whole(0, 315_360_000))
    .option('--run-at <instant>', 'it starts no sooner', instant)
    .option('--deadline <instant>', 'it expires then, even if it is running', instant)
    .option('--unique-key <key>', 'creates none where a run that has not ended holds the key')
    .option('--idempotency-key <key>', 'calls with one key create one run, for a day');
  does<Options>(kit, enqueue, async (session, options, [name = '']) => {
    const { payload, wait, tag: tags, delay: delaySeconds, uniqueKey, runAt, deadline, ...others } = options;
    const value = await readJson(session.world, '--payload', payload);
    const tenant = await session.tenant();
    const run = await tenant.client.enqueue(defineJob({ name, payload: ANY }), value, {
      ...others,
      ...(tags === undefined ? {} : { tags }),
      ...(delaySeconds === undefined ? {} : { delaySeconds }),
      ...(runAt === undefined ? {} : { runAt: new Date(runAt) }),
      ...(deadline === undefined ? {} : { deadline: new Date(deadline) }),
      ...(uniqueKey === undefined ? {} : { unique: { key: uniqueKey } }),
      signal: session.signal,
    });
    if (wait === undefined) return session.out.record(run);
    return untilRunEnds(session, tenant, { id: run.id, waitSeconds: wait === true ? DAY_SECONDS : wait });
  });
}
