// The schedules that the handlers of this replica define. A replica's handlers belong to all tenants, so such a schedule
// names those that have it. They are checked before the replica joins the cluster, and registered then and every few
// seconds from then on. What a tenant can't have now is a warning, and no reason not to run.
import { Inject, Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { wireSchedule, type JobSchedule } from '#client/jobs/job-schedules.js';
import type { Database } from '#database/connection.js';
import { HandlerRegistry } from '#execution/targets/handler-registry.js';
import { ConfigError } from '#kernel/errors.js';
import { jsonPointer } from '#kernel/json/json-pointer.js';
import type { Loop } from '#kernel/loop.js';
import { sharedCodeSchedules } from '#scheduling/defining/definition.repository.js';
import { validateSpec } from '#scheduling/decisions/due-times.js';
import { findTenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../../tokens.js';
import { fieldErrors } from '../problems/field-errors.js';
import { ProblemError } from '../problems/problem.js';
import { refuseKeyBesideOverlap } from '../schedules/policies/overlap.shapes.js';
import { invalidSpec, specOf } from '../schedules/spec.shapes.js';
import { AGAIN_SECONDS, CodeSchedules } from './code-schedules.js';
import { definedSchedule, type DefinedSchedule } from './definitions.shapes.js';

interface Defined {
  jobType: string;
  tenants: readonly string[];
  schedule: DefinedSchedule;
}

@Injectable()
export class HandlerSchedules implements Loop {
  readonly name = 'handler-schedules';
  #defined: readonly Defined[] = [];
  /** What was told last of each tenant, since a warning that is repeated three times a minute is not read. */
  readonly #told = new Map<string, string>();

  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly registry: HandlerRegistry,
    private readonly schedules: CodeSchedules,
    private readonly logger: PinoLogger,
  ) {}

  /** Throws ConfigError for a schedule that no tenant could have. */
  check(): void {
    const owners = new Map<string, string>();
    this.#defined = this.registry.all().flatMap(({ definition: { name: jobType, schedules = [] } }) =>
      schedules.map((given): Defined => {
        const { tenants = [], name } = given;
        const place = `schedule ${name} of job ${jobType}`;
        const example = `tenants of ${place} to name those that have it, since a replica's handlers belong to all`;
        if (tenants.length === 0) throw new ConfigError(`expected ${example}, got none`);
        const other = owners.get(name);
        if (other !== undefined) throw new ConfigError(`expected one ${place}, got another of job ${other}`);
        owners.set(name, jobType);
        return { jobType, tenants, schedule: readSchedule(given, place) };
      }),
    );
  }

  async runOnce(): Promise<number> {
    const jobTypes = this.registry.all().map(({ definition }) => definition.name);
    const before = await sharedCodeSchedules(this.db, jobTypes);
    const tenants = new Set([
      ...this.#defined.flatMap((one) => one.tenants),
      ...before.map(({ tenant }) => tenant),
    ]);
    for (const tenant of tenants) {
      const ours = this.#defined.filter((one) => one.tenants.includes(tenant));
      const theirs = before.filter((one) => one.tenant === tenant);
      await this.#defineFor(tenant, ours, new Set([...ours, ...theirs].map(({ jobType }) => jobType)));
    }
    return AGAIN_SECONDS * 1_000;
  }

  async #defineFor(name: string, ours: readonly Defined[], jobTypes: ReadonlySet<string>): Promise<void> {
    const tenant = await findTenant(this.db, name);
    if (tenant === undefined) {
      const detail = 'expected the tenant to exist, found none of that name';
      return this.#tell(
        name,
        ours.map(({ schedule }) => ({ schedule: schedule.name, detail })),
      );
    }
    const refused = await this.schedules.define(
      tenant,
      {
        jobTypes: [...jobTypes].map((jobType) => ({
          name: jobType,
          schedules: ours.filter((one) => one.jobType === jobType).map(({ schedule }) => schedule),
        })),
      },
      'code',
    );
    this.#tell(name, refused);
  }

  #tell(tenant: string, refused: readonly object[]): void {
    const said = JSON.stringify(refused);
    if (said === (this.#told.get(tenant) ?? '[]')) return;
    this.#told.set(tenant, said);
    if (refused.length > 0)
      this.logger.warn(
        { tenant, refused },
        'schedules from code could not be made or changed; tried again three times a minute',
      );
  }
}

function readSchedule(given: JobSchedule, place: string): DefinedSchedule {
  const wire = wireSchedule(given);
  const read = definedSchedule.safeParse(wire);
  if (!read.success) {
    const [error] = fieldErrors(read.error.issues, wire, (path) => jsonPointer(path));
    throw new ConfigError(`${place}: ${error?.pointer ?? ''}: ${error?.detail ?? 'is not valid'}`);
  }
  try {
    refuseKeyBesideOverlap(read.data);
    const valid = validateSpec(specOf(read.data, new Date(0)).spec);
    if (!valid.ok) throw invalidSpec(valid);
  } catch (error) {
    throw error instanceof ProblemError ? new ConfigError(`${place}: ${error.message}`) : error;
  }
  return read.data;
}
