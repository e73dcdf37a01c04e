// The demo: two tenants and a schedule of each kind for a newcomer. One fires each second, one by the calendar of a
// time zone, one calls over HTTP, and one fails and is retried. Everything is made over REST, and only if it does not
// exist, so that a second start continues with the tenants and schedules of the first.
import type { Api } from '../cluster/api.js';
import { jobType } from '../cluster/api.shapes.js';

interface DemoSchedule {
  readonly tenant: string;
  readonly name: string;
  readonly jobType: string;
  readonly spec: { readonly everySeconds: number } | { readonly cron: string };
  readonly timeZone?: string;
  readonly payload?: object;
}

export const DEMO_TENANTS = ['acme', 'globex'] as const;
const HEARTBEAT: DemoSchedule = {
  tenant: 'acme',
  name: 'heartbeat',
  jobType: 'record',
  spec: { everySeconds: 1 },
};
/** Its ledger proves that no second was lost. */
export const PROVEN = { tenant: HEARTBEAT.tenant, schedule: HEARTBEAT.name, everyMs: 1_000 };

export const DEMO_SCHEDULES: readonly DemoSchedule[] = [
  HEARTBEAT,
  { tenant: 'acme', name: 'report', jobType: 'echo', spec: { cron: '* * * * *' }, timeZone: 'Europe/Berlin' },
  { tenant: 'globex', name: 'notify', jobType: 'webhook', spec: { everySeconds: 5 } },
  {
    tenant: 'globex',
    name: 'flaky',
    jobType: 'fail',
    spec: { everySeconds: 15 },
    payload: { times: 1, message: 'fails at first, on purpose' },
  },
];

const EXISTS = 409;
const MISSING = 404;

export async function prepareDemo(api: Api, receiverUrl: string): Promise<void> {
  for (const name of DEMO_TENANTS)
    await api.change({ method: 'POST', path: 'tenants', body: { name } }, { fine: [EXISTS] });
  await pointWebhookAt(api, receiverUrl);
  for (const { tenant, ...body } of DEMO_SCHEDULES) {
    await api.change({ method: 'POST', path: `tenants/${tenant}/schedules`, body }, { fine: [EXISTS] });
  }
}

/** Replaces the job type when the receiver has another port this time. */
async function pointWebhookAt(api: Api, url: string): Promise<void> {
  const path = 'tenants/globex/job-types';
  const body = { name: 'webhook', target: { kind: 'http', url } };
  if (await api.change({ method: 'POST', path, body }, { fine: [EXISTS] })) return;
  const { target } = await api.get(`${path}/webhook`, jobType);
  if (target.url === url) return;
  await api.change({ method: 'DELETE', path: `${path}/webhook` }, { fine: [MISSING] });
  await api.change({ method: 'POST', path, body }, { fine: [] });
}

/** The API tells a run's job type; each of the demo's job types belongs to one schedule. */
export function scheduleOfRun({
  jobType,
  scheduleId,
}: {
  jobType: string;
  scheduleId: string | null;
}): string {
  if (scheduleId === null) return jobType;
  return DEMO_SCHEDULES.find((schedule) => schedule.jobType === jobType)?.name ?? jobType;
}
