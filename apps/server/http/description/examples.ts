// What does each operation take? One example for each body, which the API accepts as it stands: together they tell of one
// tenant, whose reports a worker builds. The documentation page fills its forms with them.

const REPORT = { month: '2026-11' };
const HELD = { token: 1 };

export const EXAMPLES: Readonly<Record<string, unknown>> = {
  createTenant: { name: 'acme', displayName: 'Acme Inc.' },
  putTenant: { displayName: 'Acme Inc.', limits: { maxConcurrent: 50 } },
  updateTenant: { limits: { maxConcurrent: 50, rate: { count: 100, perSeconds: 1 } } },
  resumeTenant: { catchUp: false },
  createApiKey: { name: 'deploy', role: 'tenant-admin' },
  createJobType: {
    name: 'report.build',
    target: { kind: 'pull', leaseSeconds: 60 },
    retry: { maxAttempts: 5, backoff: 'exponential', minSeconds: 2, maxSeconds: 600 },
  },
  putJobType: { target: { kind: 'pull', leaseSeconds: 60 }, timeoutSeconds: 900 },
  updateJobType: { timeoutSeconds: 600, limits: { maxConcurrent: 10 } },
  pauseJobType: { reason: 'Its data moves.' },
  createSchedule: {
    name: 'nightly-report',
    spec: { cron: '30 2 * * *' },
    timeZone: 'Europe/Berlin',
    jobType: 'report.build',
    payload: REPORT,
    labels: { team: 'finance' },
  },
  putSchedule: {
    spec: { cron: '0 3 * * *' },
    timeZone: 'Europe/Berlin',
    jobType: 'report.build',
    payload: REPORT,
    labels: { team: 'finance' },
  },
  updateSchedule: { timeZone: 'UTC', catchUp: { mode: 'all', max: 10 } },
  pauseSchedule: { reason: 'Its data moves.' },
  resumeSchedule: { catchUp: false },
  pauseSchedules: { filter: { labels: { team: 'finance' } }, dryRun: true },
  resumeSchedules: { filter: { labels: { team: 'finance' } }, dryRun: true },
  skipNextDueTimes: { count: 1 },
  runSchedule: { payload: REPORT, priority: 10 },
  backfillSchedule: { from: '2026-01-01T00:00:00Z', to: '2026-01-04T00:00:00Z', dryRun: true },
  previewNewSchedule: { spec: { cron: '30 8 * * MON-FRI' }, timeZone: 'Europe/Berlin', count: 5 },
  putCalendar: { dates: ['--12-25', '2026-12-28/2027-01-03'], description: 'No reports.' },
  createRun: { jobType: 'report.build', payload: REPORT, tags: ['monthly'] },
  createRuns: {
    mode: 'per-item',
    runs: [
      { jobType: 'report.build', payload: { month: '2026-09' } },
      { jobType: 'report.build', payload: { month: '2026-10' } },
    ],
  },
  cancelRuns: { filter: { tag: 'monthly' } },
  retryRuns: { filter: { jobType: 'report.build', state: 'failed' } },
  acquireLock: { holder: 'importer-1', leaseSeconds: 60 },
  acquireLocks: { holder: 'importer-1', locks: [{ name: 'orders' }, { name: 'stock', mode: 'shared' }] },
  renewLock: { ...HELD, leaseSeconds: 60 },
  releaseLock: HELD,
  forceReleaseLock: {},
  putLock: { permits: 3 },
  createWebhookSecret: {},
  rotateWebhookSecret: { overlapSeconds: 3_600 },
  registerWorker: { name: 'worker-1', jobTypes: [{ name: 'report.build' }], concurrency: 4 },
  defineSchedules: {
    jobTypes: [
      { name: 'report.build', schedules: [{ name: 'weekly-report', spec: { cron: '0 6 * * MON' } }] },
    ],
  },
  acquireLeases: {
    workerId: '01980000-0000-7000-8000-000000000001',
    jobTypes: ['report.build'],
    requestId: 'worker-1/1',
    waitSeconds: 10,
  },
  sendLeaseHeartbeat: { progress: { fraction: 0.5, message: 'half of it' }, details: { row: 4_711 } },
  completeLease: { output: { pages: 12 } },
  failLease: { error: { name: 'Timeout', message: 'the data did not come' }, retryAfterSeconds: 60 },
  snoozeLease: { seconds: 600 },
  releaseLease: {},
  cancelLease: { error: { message: 'the report was built by another one' } },
  getPreviousFireOfLease: {},
  addLogLines: '{"level":"info","message":"half of it","fields":{"row":4711}}\n',
};
