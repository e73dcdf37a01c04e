// The calls about the schedules of a tenant.
import type { EnqueueableJob } from '#client/jobs/enqueue-options.js';
import { parsePayload } from '#client/jobs/payload-check.js';
import { expectDefinition, expectKnownOptions } from '#client/options/known-options.js';
import { ApiProblem } from '../api-problem.js';
import {
  expectCallOptions,
  keyed,
  revisionHeader,
  traceHeaders,
  type CallOptions,
  type KeyedOptions,
  type RevisionOptions,
} from '../call-options.js';
import type { ApiCall, ClientCalls } from '../client-calls.js';
import { itemsOf } from '../pages.js';
import { instantText, pathTo, withQuery } from '../paths.js';
import type { ClientRun } from '../runs/run-shapes.js';
import { contentBody, draftBody, filterQuery, patchBody } from './schedule-bodies.js';
import type {
  ClientSchedule,
  ScheduleContent,
  ScheduleDraft,
  ScheduleExplanation,
  ScheduleFilter,
  SchedulePatch,
  SchedulePreview,
} from './schedule-shapes.js';
import type {
  BackfillOptions,
  ClientSchedules,
  ManyOptions,
  PauseOptions,
  PreviewOptions,
  ResumeOptions,
  RunNowOptions,
} from './schedules.js';

const CHANGES_MAX = 10;
const RUN_FIELDS = ['payload', 'queue', 'concurrencyKey', 'tags', 'priority', 'deadlineSeconds', 'force'];
const BACKFILL_FIELDS = ['from', 'to', 'maxUnfinished', 'payload', 'dryRun'];
const MANY_FIELDS = ['expectedCount', 'dryRun'];
const FILTER_FIELDS = ['labels', 'state', 'jobType', 'q'];

export class SchedulesOverRest implements ClientSchedules {
  constructor(private readonly calls: ClientCalls) {}

  async get(name: string, options: CallOptions = {}): Promise<ClientSchedule> {
    expectCallOptions(options);
    return this.#send('GET', pathOf(name), { options });
  }

  list(options: ScheduleFilter & CallOptions = {}): AsyncIterableIterator<ClientSchedule> {
    expectCallOptions(options, FILTER_FIELDS);
    const { signal } = options;
    const query = filterQuery(options);
    return itemsOf(this.calls, { path: 'schedules', query, headers: traceHeaders(options), signal });
  }

  async create<Input>(
    job: EnqueueableJob<Input>,
    schedule: ScheduleContent<Input>,
    options: KeyedOptions = {},
  ): Promise<ClientSchedule> {
    expectCallOptions(options, ['idempotencyKey']);
    const body = await bodyOf(job, schedule);
    return this.#send('POST', 'schedules', { options, body, ...keyed(options) });
  }

  async apply<Input>(
    job: EnqueueableJob<Input>,
    schedule: ScheduleContent<Input>,
    options: RevisionOptions = {},
  ): Promise<ClientSchedule> {
    expectCallOptions(options, ['revision']);
    const body = await bodyOf(job, schedule);
    const { revision } = options;
    const headers = revision === undefined ? {} : revisionHeader(revision);
    return this.#send('PUT', pathOf(schedule.name), {
      options,
      body,
      headers,
      isRepeatable: revision === undefined,
    });
  }

  async update(
    name: string,
    patch: SchedulePatch | ((current: ClientSchedule) => SchedulePatch | Promise<SchedulePatch>),
    options: RevisionOptions = {},
  ): Promise<ClientSchedule> {
    expectCallOptions(options, ['revision']);
    const { revision, ...others } = options;
    if (typeof patch !== 'function') return this.#patch(name, patchBody(name, patch), options);
    if (revision !== undefined)
      throw new TypeError('expected no revision beside a function, which gets the newest one');
    for (let tries = 1; ; tries += 1) {
      const current = await this.get(name, others);
      const body = patchBody(name, await patch(current));
      try {
        return await this.#patch(name, body, { ...others, revision: current.revision });
      } catch (error) {
        if (!isOutrun(error) || tries === CHANGES_MAX) throw error;
      }
    }
  }

  async delete(name: string, options: RevisionOptions = {}): Promise<void> {
    expectCallOptions(options, ['revision']);
    const isRepeatable = options.revision === undefined;
    await this.#send('DELETE', pathOf(name), {
      options,
      headers: revisionHeader(options.revision),
      isRepeatable,
    });
  }

  async pause(name: string, options: PauseOptions = {}): Promise<ClientSchedule> {
    expectCallOptions(options, ['reason', 'until']);
    const { reason, until } = options;
    const end = until === undefined ? undefined : instantText('until', until);
    const body = JSON.stringify({ reason, until: end });
    return this.#send('POST', `${pathOf(name)}:pause`, { options, body });
  }

  async resume(name: string, options: ResumeOptions = {}): Promise<ClientSchedule> {
    expectCallOptions(options, ['catchUp']);
    const body = JSON.stringify({ catchUp: options.catchUp });
    return this.#send('POST', `${pathOf(name)}:resume`, { options, body, isRepeatable: false });
  }

  async preview(schedule: string | ScheduleDraft, options: PreviewOptions = {}): Promise<SchedulePreview> {
    expectCallOptions(options, ['count', 'after']);
    if (typeof schedule !== 'string')
      return this.#send('POST', 'schedules:preview', { options, body: draftBody(schedule, options) });
    const { count, after } = options;
    const query = { count, after: after === undefined ? undefined : instantText('after', after) };
    return this.#send('GET', withQuery(`${pathOf(schedule)}:preview`, query), { options });
  }

  async run(name: string, options: RunNowOptions = {}): Promise<ClientRun> {
    expectCallOptions(options, [...RUN_FIELDS, 'idempotencyKey']);
    const body = JSON.stringify(fieldsOf(options, RUN_FIELDS));
    return this.#send('POST', `${pathOf(name)}:run`, { options, body, ...keyed(options) });
  }

  // What an answer is depends on `dryRun`, as the interface says.
  async backfill(name: string, options: BackfillOptions): Promise<never> {
    expectCallOptions(options, [...BACKFILL_FIELDS, 'idempotencyKey']);
    const span = { from: instantText('from', options.from), to: instantText('to', options.to) };
    const body = JSON.stringify({ ...fieldsOf(options, BACKFILL_FIELDS), ...span });
    return this.#send('POST', `${pathOf(name)}:backfill`, { options, body, ...keyed(options) });
  }

  async pauseAll(filter: ScheduleFilter, options: ManyOptions & PauseOptions): Promise<never> {
    expectCallOptions(options, [...MANY_FIELDS, 'reason', 'until', 'idempotencyKey']);
    const { until } = options;
    const end = until === undefined ? undefined : instantText('until', until);
    return this.#steer('pause', filter, { options, fields: ['reason', 'until'], more: { until: end } });
  }

  async resumeAll(filter: ScheduleFilter, options: ManyOptions & ResumeOptions): Promise<never> {
    return this.#steer('resume', filter, { options, fields: ['catchUp'], more: {} });
  }

  async #steer(
    verb: string,
    filter: ScheduleFilter,
    { options, fields, more }: { options: ManyOptions; fields: readonly string[]; more: object },
  ): Promise<never> {
    const known = [...MANY_FIELDS, ...fields];
    expectCallOptions(options, [...known, 'idempotencyKey']);
    expectKnownOptions(filter, FILTER_FIELDS, { prefix: 'filter.' });
    const body = JSON.stringify({ ...fieldsOf(options, known), ...more, filter });
    return this.#send('POST', `schedules:${verb}`, { options, body, ...keyed(options) });
  }

  async explain(name: string, at: Date | string, options: CallOptions = {}): Promise<ScheduleExplanation> {
    expectCallOptions(options);
    const path = withQuery(`${pathOf(name)}:explain`, { at: instantText('at', at) });
    return this.#send('GET', path, { options });
  }

  async #patch(name: string, body: string, options: RevisionOptions): Promise<ClientSchedule> {
    const isRepeatable = options.revision === undefined;
    return this.#send('PATCH', pathOf(name), {
      options,
      body,
      headers: revisionHeader(options.revision),
      isRepeatable,
    });
  }

  async #send<Answer>(
    method: ApiCall['method'],
    path: string,
    {
      options,
      headers = {},
      isRepeatable = true,
      body,
    }: { options: CallOptions } & Partial<Pick<ApiCall, 'headers' | 'isRepeatable' | 'body'>>,
  ): Promise<Answer> {
    const all = { ...traceHeaders(options), ...headers };
    return this.calls.call({ method, path, body, headers: all, isRepeatable, signal: options.signal });
  }
}

async function bodyOf<Input>(job: EnqueueableJob<Input>, schedule: ScheduleContent<Input>): Promise<string> {
  expectDefinition(job);
  const body = contentBody(job.name, schedule);
  await parsePayload(job, schedule.payload ?? {});
  return body;
}

function fieldsOf(options: object, fields: readonly string[]): object {
  return Object.fromEntries(Object.entries(options).filter(([field]) => fields.includes(field)));
}

function pathOf(name: unknown): string {
  return pathTo('schedules', name, 'the name of a schedule');
}

function isOutrun(error: unknown): boolean {
  return error instanceof ApiProblem && error.code === 'ETAG_MISMATCH';
}
