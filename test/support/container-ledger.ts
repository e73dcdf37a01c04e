// What became of the due times of a schedule that fires each second? Read through the REST API alone, since the
// database of a container cluster can be reached from its replicas only.
import { until } from './until.js';

export interface ScheduleName {
  readonly tenant: string;
  readonly schedule: string;
}

/** Reads a path of the API, from whichever replica the test trusts at the moment. */
export type Ask = <Answer>(path: string) => Promise<Answer>;

interface Fire {
  readonly dueAt: string;
  readonly outcome: string;
  readonly runId: string | null;
  readonly latenessMs: number | null;
}

interface Run {
  readonly id: string;
  readonly state: string;
}

export interface SettledFire extends Fire {
  readonly runState: string;
}

const UNFINISHED = ['scheduled', 'queued', 'running', 'retrying'];

const SECOND_MS = 1_000;
/** Far over any budget: a takeover that takes as long is broken, not just seen on a busy machine. */
const LIMIT_MS = 60_000;

/** Resolves once so many more due times of the schedule have been decided than when it was called. */
export async function untilFired(ask: Ask, name: ScheduleName, times: number): Promise<void> {
  const before = newest(await decidedFires(ask, name));
  await until(
    `${name.schedule} has fired ${times} more times`,
    async () => (await decidedFires(ask, name)).filter((fire) => fire.dueAt > before).length >= times,
    LIMIT_MS,
  );
}

/** Every due time so far, oldest first, once each of them has been decided and its run has come to an end. */
export async function settledFires(ask: Ask, name: ScheduleName): Promise<SettledFire[]> {
  const last = newest(await decidedFires(ask, name));
  return until(
    `the runs of ${name.schedule} due by ${last} have ended`,
    async () => {
      const fires = (await readFires(ask, name)).filter((fire) => fire.dueAt <= last);
      const runs = new Map((await readRuns(ask, name)).map((run) => [run.id, run]));
      const settled = fires.flatMap((fire) => {
        const runState = fire.runId === null ? 'none' : runs.get(fire.runId)?.state;
        const isSettled =
          fire.outcome !== 'planned' && runState !== undefined && !UNFINISHED.includes(runState);
        return isSettled ? [{ ...fire, runState }] : [];
      });
      return settled.length === fires.length && settled;
    },
    LIMIT_MS,
  );
}

/** I1 and I5, as sentences about what contradicts them; empty when all is well. */
export function contradictions(fires: readonly SettledFire[]): string[] {
  return fires.flatMap(({ dueAt, outcome, runId, runState }, index) => {
    const previous = fires[index - 1];
    const gapMs = previous === undefined ? SECOND_MS : Date.parse(dueAt) - Date.parse(previous.dueAt);
    return [
      ...(gapMs === SECOND_MS ? [] : [`I1: ${gapMs} ms lie between ${dueAt} and the due time before it`]),
      ...(['fired', 'late'].includes(outcome) ? [] : [`I1: ${dueAt} was ${outcome}`]),
      ...(runState === 'succeeded' ? [] : [`I5: the state of the run ${runId} of ${dueAt} is ${runState}`]),
    ];
  });
}

/** How late the latest of them started. */
export function worstLatenessMs(fires: readonly SettledFire[]): number {
  return Math.max(0, ...fires.map((fire) => fire.latenessMs ?? 0));
}

async function decidedFires(ask: Ask, name: ScheduleName): Promise<Fire[]> {
  return (await readFires(ask, name)).filter((fire) => fire.outcome !== 'planned');
}

/** RFC 3339 in UTC sorts as text. */
function newest(fires: readonly Fire[]): string {
  return fires.reduce((latest, { dueAt }) => (dueAt > latest ? dueAt : latest), '');
}

async function readFires(ask: Ask, { tenant, schedule }: ScheduleName): Promise<Fire[]> {
  const fires = await readPages<Fire>(
    ask,
    `/api/v1/tenants/${tenant}/schedules/${schedule}/fires?pageSize=200`,
  );
  return fires.toSorted((a, b) => Date.parse(a.dueAt) - Date.parse(b.dueAt));
}

function readRuns(ask: Ask, { tenant, schedule }: ScheduleName): Promise<Run[]> {
  return readPages<Run>(ask, `/api/v1/tenants/${tenant}/runs?schedule=${schedule}&pageSize=200`);
}

async function readPages<Item>(ask: Ask, path: string): Promise<Item[]> {
  const items: Item[] = [];
  for (let token: string | null = ''; token !== null;) {
    const page: { items: Item[]; nextPageToken: string | null } = await ask(
      token === '' ? path : `${path}&pageToken=${encodeURIComponent(token)}`,
    );
    items.push(...page.items);
    token = page.nextPageToken;
  }
  return items;
}
