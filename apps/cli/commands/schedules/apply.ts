// `schedules apply -f` makes schedules what files say, and `diff -f` tells what that would change. All of them are
// checked before one is written: by the rules of the client, and in the API their specs and their job types. What only
// the API knows, such as a quota, may still refuse one after others were written; the same call again goes on there.
import { BESIDE_SPEC } from '#client/options/schedules-check.js';
import { ApiProblem } from '#client/http/api-problem.js';
import { pathTo } from '#client/http/paths.js';
import type { ClientSchedule } from '#client/http/schedules/schedule-shapes.js';
import { CliError } from '../../cli-error.js';
import { EXIT, type ExitCode } from '../../exit-codes.js';
import { fields } from '../../output/printer.js';
import type { Session, TenantApi } from '../session.js';
import { differencesOf, type Difference } from './differences.js';
import { followedBy, readEntries, type Content, type Entry } from './files.js';

interface Found extends Entry {
  /** Null where there is none yet. */
  readonly current: ClientSchedule | null;
}

interface Applied {
  readonly name: string;
  readonly result: 'created' | 'updated' | 'unchanged';
  readonly nextDueAt: string | null;
  readonly revision: number;
}

const DRAFTED = ['spec', ...BESIDE_SPEC];

export async function apply(session: Session, files: readonly string[]): Promise<void> {
  const tenant = await session.tenant();
  const found = await checked(session, tenant, files);
  await session.out.rows(written(tenant, found), fields('name', 'result', 'nextDueAt', 'revision'));
}

/** Resolves with EXIT.failed where something would change. */
export async function diff(session: Session, files: readonly string[]): Promise<ExitCode> {
  const tenant = await session.tenant();
  const found = await checked(session, tenant, files);
  const rows = found.flatMap(({ content, current }) =>
    differences(content, current).map((difference) => ({ name: content.name, ...difference })),
  );
  await session.out.rows(rows, fields('name', 'field', 'is', 'wanted'));
  if (rows.length === 0) session.note('carillon: no difference');
  return rows.length === 0 ? EXIT.done : EXIT.failed;
}

function differences(content: Content, current: ClientSchedule | null): Difference[] {
  if (current !== null) return differencesOf(content, current);
  return [{ field: 'schedule', is: null, wanted: content }];
}

async function checked(session: Session, tenant: TenantApi, files: readonly string[]): Promise<Found[]> {
  const entries = await readEntries(session.world, files);
  const names = new Set<unknown>(entries.map(({ content: { name } }) => name));
  const found: Found[] = [];
  for (const entry of entries) {
    const current = await currentOf(session, tenant, entry);
    if (current?.source === 'code')
      throw new CliError(
        `${entry.place}: expected a schedule that no code defines, got ${entry.content.name}, which the code of job type ${current.jobType} defines`,
        EXIT.conflict,
      );
    // What it follows may be made by the same call.
    if (!names.has(followedBy(entry)))
      await at(entry, async () =>
        tenant.api.post('schedules:preview', { ...draftOf(entry), isRepeatable: true }),
      );
    found.push({ ...entry, current });
  }
  const byJob = new Map(entries.map((entry) => [entry.content.jobType, entry]));
  for (const [jobType, entry] of byJob)
    await at(entry, async () => tenant.api.get(pathTo('job-types', jobType, 'the name of a job type')));
  return found;
}

async function currentOf(
  { signal }: Session,
  { client }: TenantApi,
  { content: { name } }: Entry,
): Promise<ClientSchedule | null> {
  try {
    return await client.schedules.get(name, { signal });
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 404) return null;
    throw error;
  }
}

async function* written(
  tenant: TenantApi,
  found: readonly Found[],
): AsyncGenerator<Applied, void, undefined> {
  for (const entry of found) {
    const { content, current } = entry;
    const path = pathTo('schedules', content.name, 'the name of a schedule');
    const { revision, nextDueAt } = await at(entry, async () =>
      tenant.api.put<ClientSchedule>(path, content),
    );
    const result = current === null ? 'created' : revision === current.revision ? 'unchanged' : 'updated';
    yield { name: content.name, result, nextDueAt, revision };
  }
}

function draftOf({ content }: Entry): Record<string, unknown> {
  return Object.fromEntries(Object.entries(content).filter(([field]) => DRAFTED.includes(field)));
}

/** A problem is told with the place in the files. */
async function at<Answer>({ place, content: { name } }: Entry, act: () => Promise<Answer>): Promise<Answer> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof ApiProblem) throw new PlacedProblem(`${place} (${name})`, error);
    throw error;
  }
}

/** The same problem, whose detail begins with a place. */
class PlacedProblem extends ApiProblem {
  constructor(place: string, { status, problem, detail: said, errors, retryAfterSeconds }: ApiProblem) {
    const detail = `${place}: ${said}`;
    const placed = errors.map((each) => ({ ...each, pointer: `${place} ${each.pointer}` }));
    super(status, { ...problem, detail, errors: placed }, retryAfterSeconds);
  }
}
