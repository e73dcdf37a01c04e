// How does a wish for runs become runs? The same way for one and for ten thousand: within the tenant's limit, in
// one transaction, with one hint to the owner of its slot when that is committed.
import { Injectable } from '@nestjs/common';
import { systemClock } from '#database/runtime/system-clock.js';
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import { enqueueRuns, type Enqueue, type Enqueued } from '#execution/enqueue.js';
import { RunQuota } from '#execution/run-quota.js';
import { asId, type RunId } from '#kernel/ids.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { ReplicaService } from '../replica/replica-service.js';
import type { Writing } from './idempotency.js';
import { ProblemError, type ProblemType } from './problem.js';
import type { RunInput } from './run.shapes.js';

export interface Intake {
  results: Enqueued[];
  /** The limit that was met; null when none was. */
  maxQueued: number | null;
}

@Injectable()
export class RunIntake {
  readonly #quota = new RunQuota(systemClock);

  constructor(private readonly replica: ReplicaService) {}

  /** The jobs have been checked. Throws a problem when the tenant is suspended. */
  async take(tenant: Tenant, inputs: readonly RunInput[], { db, afterwards }: Writing): Promise<Intake> {
    requireActive(tenant);
    const { room, maxQueued } = await this.#quota.roomFor(db, {
      tenantId: tenant.id,
      wanted: inputs.length,
    });
    const results = await enqueueRuns(
      db,
      inputs.map((input) => enqueueOf(tenant, input)),
      { room },
    );
    if (results.some(({ kind }) => kind === 'created' || kind === 'replaced'))
      afterwards(() => this.replica.hintWork([tenant.slot]));
    return { results, maxQueued };
  }
}

/** What became of a run, as the problem that it is; null when it is none. */
export function problemOf(result: Enqueued, key: string | undefined, maxQueued: number | null) {
  switch (result.kind) {
    case 'created':
    case 'returned':
    case 'replaced':
      return null;
    case 'key-taken':
      return atKey(
        'already-exists',
        result.id,
        `expected a key that no run holds, got ${JSON.stringify(key)}, which run ${result.id} holds`,
      );
    case 'not-replaceable':
      return atKey(
        'invalid-state',
        result.id,
        `expected the run that holds the key to wait for its first attempt, got run ${result.id}, which is claimed, was tried, or has ended`,
      );
    case 'over-quota':
      return new ProblemError(
        'quota-exceeded',
        `expected the tenant to have at most ${maxQueued ?? 0} runs that are not over, got more`,
        { headers: { 'retry-after': '5' } },
      );
  }
}

function atKey(type: ProblemType, run: RunId, detail: string): ProblemError {
  return new ProblemError(type, `/unique/key: ${detail}`, {
    run,
    errors: [{ pointer: '/unique/key', detail }],
  });
}

function requireActive({ name, state }: Tenant): void {
  if (state !== 'active')
    throw new ProblemError(
      'invalid-state',
      `expected tenant ${name} to be active, got one that is ${state}`,
      {
        currentState: state,
      },
    );
}

function enqueueOf(tenant: Tenant, input: RunInput): Enqueue {
  const { unique, delaySeconds = 0, runAt, deadline } = input;
  return {
    run: {
      id: asId.run(randomUUIDv7()),
      tenantId: tenant.id,
      slot: tenant.slot,
      jobType: input.jobType,
      queue: input.queue,
      concurrencyKey: input.concurrencyKey ?? null,
      tags: input.tags,
      payload: input.payload,
      priority: input.priority,
      runAt: runAt === undefined ? null : new Date(runAt),
      delayMs: delaySeconds * 1_000,
      deadline: deadline === undefined ? null : new Date(deadline),
    },
    unique: unique === undefined ? null : uniqueOf(unique),
  };
}

function uniqueOf({ key, windowSeconds, onConflict }: NonNullable<RunInput['unique']>): Enqueue['unique'] {
  return { key, windowMs: windowSeconds === undefined ? null : windowSeconds * 1_000, onConflict };
}
