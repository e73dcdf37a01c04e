// Registers the schedules that code defines beside its jobs: the application's code, which a worker or a replica runs.
// Each process tells what it defines when it starts and every few seconds, so that an upgrade does not flap while old
// and new processes run beside each other: of several versions the one that came last counts, and a schedule is
// removed once no living process has defined it for a minute. What can't be made now is told, and tried again.
import { hash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { inTransaction, type Database } from '#database/connection.js';
import * as definitions from '#scheduling/defining/definition.repository.js';
import { isPausedForRemoval, removeFromCode } from '#scheduling/defining/removal.js';
import { changeSchedule } from '#scheduling/schedules/schedules.js';
import { systemClock } from '#database/runtime/system-clock.js';
import type { TenantId } from '#kernel/ids.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { ReplicaService } from '../../replica/replica-service.js';
import { API_DATABASE } from '../../tokens.js';
import { FREE_TURN } from '../access/request-turns.js';
import { GateTurns } from '../access/tenant-turns.js';
import { ownerHangs, ProblemError } from '../problems/problem.js';
import { ScheduleApply } from '../schedule-actions/schedule-apply.js';
import { problemOf } from '../schedules/change-answers.js';
import type { DefinedSchedule, DefinitionsInput } from './definitions.shapes.js';
import { eachInTime } from './in-time.js';

/** Three times in the minute after which a version counts as gone. */
export const AGAIN_SECONDS = 20;
/** In one call: dear specs of one tenant must not keep a replica computing for longer. */
const MAKING_MS_MAX = 10_000;

interface Wanted {
  name: string;
  jobType: string;
  digest: string;
  schedule: DefinedSchedule;
  /** Who says so, as revisions name it. */
  by: string;
}

export interface Refused {
  schedule: string;
  detail: string;
}

@Injectable()
export class CodeSchedules {
  /** The first schedule that the last call of the tenant had no time for. */
  readonly #unreached = new Map<TenantId, string>();

  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly apply: ScheduleApply,
    private readonly gate: GateTurns,
    private readonly replica: ReplicaService,
  ) {}

  /** Resolves with those that could not be made or changed now. */
  async define(tenant: Tenant, { jobTypes }: DefinitionsInput, by: string): Promise<Refused[]> {
    const wanted = jobTypes
      .flatMap(({ name: jobType, schedules }) => schedules.map((schedule) => wantedOf(jobType, schedule, by)))
      .toSorted(followersLast);
    const names = wanted.map(({ name }) => name);
    await definitions.forgetDefinitions(this.db, tenant.id);
    if (wanted.length > 0)
      await inTransaction(this.db, async (tx) => {
        await definitions.awaitChanges(tx, tenant.id, names);
        await definitions.noteDefinitions(tx, tenant.id, wanted);
      });
    if (tenant.state === 'suspended') return names.map((name) => refused(name, SUSPENDED));
    const latest = await definitions.latestDefinitions(this.db, tenant.id, names);
    const digests = new Map(latest.map(({ name, digest }) => [name, digest]));
    const current = wanted.filter(({ name, digest }) => digests.get(name) === digest);
    const all = await this.#makeEach(tenant, current);
    const defined = { tenantId: tenant.id, jobTypes: jobTypes.map(({ name }) => name), names };
    for (const name of await definitions.otherCodeSchedules(this.db, defined))
      all.push(...(await this.#toldOf(name, () => this.#remove(tenant, name, by))));
    return all;
  }

  async #makeEach(tenant: Tenant, wanted: readonly Wanted[]): Promise<Refused[]> {
    const all: Refused[] = [];
    const first = this.#unreached.get(tenant.id);
    const options = { ms: MAKING_MS_MAX, clock: systemClock, isFirst: ({ name }: Wanted) => name === first };
    const unreached = await eachInTime(wanted, options, async (one) => {
      all.push(...(await this.#toldOf(one.name, () => this.#make(tenant, one))));
    });
    const [next] = unreached;
    if (next === undefined) this.#unreached.delete(tenant.id);
    else this.#unreached.set(tenant.id, next.name);
    return [...all, ...unreached.map(({ name }) => refused(name, NOT_REACHED))];
  }

  async #make(tenant: Tenant, { name, jobType, digest, schedule, by }: Wanted): Promise<void> {
    const result = await this.apply.make(tenant, {
      name,
      input: { ...schedule, jobType },
      source: 'code',
      revision: null,
      mayCreate: true,
      mayReplace: true,
      turn: FREE_TURN,
      by,
      // A process works through its list for seconds, in which a newer one may come.
      isStillWanted: (tx) => definitions.isLatest(tx, tenant.id, { name, digest }),
    });
    if (result.kind === 'unwanted') return;
    if (result.kind !== 'created' && result.kind !== 'changed' && result.kind !== 'same')
      throw problemOf(result, { name, revision: null, verb: 'replaced' });
    if (isPausedForRemoval(result.schedule))
      await this.gate.act(tenant, FREE_TURN, () =>
        changeSchedule(this.db, { tenant, name, revision: result.schedule.revision, by }, { kind: 'resume' }),
      );
    else if (result.kind === 'same') return;
    this.replica.hintPlan();
  }

  async #remove(tenant: Tenant, name: string, by: string): Promise<void> {
    const act = (): ReturnType<typeof removeFromCode> => removeFromCode(this.db, { tenant, name, by });
    if ((await this.gate.act(tenant, FREE_TURN, act)) === 'not-held') throw ownerHangs();
    this.replica.hintPlan();
  }

  async #toldOf(name: string, act: () => Promise<void>): Promise<Refused[]> {
    try {
      await act();
      return [];
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      return [refused(name, error.message)];
    }
  }
}

/** What they follow is there by then; followers of followers may have to come again. */
const followersLast = (a: Wanted, b: Wanted): number => Number(isFollower(a)) - Number(isFollower(b));
const isFollower = ({ schedule }: Wanted): boolean => schedule.spec.afterSuccessOf !== undefined;

const NOT_REACHED = `expected all schedules to be made within ${MAKING_MS_MAX / 1_000} seconds, got more to do: the next call goes on with it`;
const SUSPENDED = 'expected a tenant that is not suspended, got a suspended one';

function refused(schedule: string, detail: string): Refused {
  return { schedule, detail };
}

function wantedOf(jobType: string, schedule: DefinedSchedule, by: string): Wanted {
  const { name } = schedule;
  return {
    name,
    jobType,
    schedule,
    by,
    digest: hash('sha256', JSON.stringify([jobType, inOrder(schedule)])),
  };
}

/** So that the order of the fields makes no other version. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([field, inner]) => [field, inOrder(inner)]);
}
