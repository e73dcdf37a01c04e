// One call of each command, in an order in which each finds what it needs. A unit test looks that no command is missing,
// and an integration test makes the calls against a real replica.

export interface WalkScene {
  readonly tenant: string;
  /** A name that no tenant has yet. */
  readonly newTenant: string;
  /** Of a run that has logged a line, and failed. */
  readonly failedRun: string;
  /** Of one that waits. */
  readonly waitingRun: string;
  /** The id of one of the tenant's. */
  readonly key: string;
  /** The id of one that pauses no schedule. */
  readonly operation: string;
  /** With the schedules `nightly` and `pulse`. */
  readonly file: string;
  /** Two instants before now. */
  readonly from: string;
  readonly to: string;
}

export interface Step {
  readonly command: string;
  readonly args?: (scene: WalkScene) => readonly string[];
  /** Default: 0. */
  readonly code?: number;
  /** It says what it found, which depends on the server of the tests. */
  readonly mayFail?: true;
  /** Is in what it prints. */
  readonly out: RegExp;
}

const named =
  (...names: string[]) =>
  () =>
    names;

export const WALK: readonly Step[] = [
  { command: 'status', out: /^result\twell\n[^]*\nleader\tunder-test\n[^]*\nslotsWithoutOwner\t0\n/ },
  { command: 'cluster', out: /^\d+\tunder-test\tactive\tleader\t1024\t/ },
  { command: 'cluster events', args: named('--limit', '200'), out: /\tterm-began\t1\tunder-test\t/ },
  { command: 'tenants ls', out: /^tenant-\w+\ttenant-\w+\tactive\t1\t/m },
  { command: 'tenants get', args: ({ tenant }) => [tenant], out: /^state\tactive$/m },
  {
    command: 'tenants create',
    args: ({ newTenant }) => [newTenant, '--display-name', 'Initech'],
    out: /^displayName\tInitech$/m,
  },
  { command: 'tenants suspend', args: ({ newTenant }) => [newTenant, '--yes'], out: /^state\tsuspended$/m },
  {
    command: 'tenants resume',
    args: ({ newTenant }) => [newTenant, '--catch-up'],
    out: /^kind\tcatch-up-tenant$[^]*^state\tsucceeded$/m,
  },
  { command: 'keys ls', out: /\ttest\ttenant-admin\t/ },
  {
    command: 'keys create',
    args: named('worker-7', '--role', 'worker'),
    out: /^name\tworker-7\nrole\tworker\nkey\tsk_/m,
  },
  { command: 'keys revoke', args: ({ key }) => [key, '-y'], out: /^result\trevoked$/m },
  { command: 'job-types ls', out: /^echo\thandler echo\ttrue\t$/m },
  { command: 'job-types get', args: named('held'), out: /^name\theld$/m },
  {
    command: 'job-types pause',
    args: named('held', '--reason', 'it fails'),
    out: /^pauseReason\tit fails$/m,
  },
  { command: 'job-types resume', args: named('held'), out: /^pausedAt\t$/m },
  {
    command: 'schedules diff',
    args: ({ file }) => ['-f', file],
    code: 1,
    out: /^nightly\tschedule\t\t[^]*^pulse\tschedule\t\t/m,
  },
  {
    command: 'schedules apply',
    args: ({ file }) => ['-f', file],
    out: /^nightly\tcreated\t[^]*^pulse\tcreated\t/m,
  },
  {
    command: 'schedules ls',
    args: named('--state', 'active', '--label', 'team:books'),
    out: /^nightly\tactive\tAt 02:30, Europe\/Berlin\techo\t\S+\t0\n$/,
  },
  { command: 'schedules get', args: named('nightly'), out: /^timeZone\tEurope\/Berlin$/m },
  {
    command: 'schedules preview',
    args: named('nightly', '-n', '2', '--after', '2031-01-01T00:00:00Z'),
    out: /^2031-01-01T01:30:00.000Z\t2031-01-01T02:30:00.000\+01:00\t[^]*\n2031-01-02T01:30/,
  },
  { command: 'schedules explain', args: named('nightly', '2031-01-01T01:30:00Z'), out: /^isDue\ttrue$/m },
  { command: 'schedules audit', args: named('pulse'), out: /^isClean\ttrue$/m },
  { command: 'schedules pause', args: named('pulse', '--reason', 'closed'), out: /^state\tpaused$/m },
  { command: 'schedules resume', args: named('pulse', '--catch-up'), out: /^state\tactive$/m },
  {
    command: 'schedules run',
    args: named('nightly', '--payload', '{"day":"today"}', '--wait'),
    out: /^output\t\{"day":"today"\}$/m,
  },
  {
    command: 'schedules backfill',
    args: ({ from, to }) => ['pulse', '--from', from, '--to', to],
    out: /^kind\tbackfill$[^]*^state\tsucceeded$/m,
  },
  {
    command: 'schedules fires',
    args: named('pulse', '--limit', '1'),
    out: /^\S+\t[a-z]+\t[^\n]*\n$/,
  },
  {
    command: 'operations ls',
    args: named('--limit', '1'),
    out: /^\S+\tbackfill\tpulse\tsucceeded\t\d+ of \d+\t/,
  },
  { command: 'operations get', args: ({ operation }) => [operation], out: /^kind\tpause-schedules$/m },
  { command: 'operations wait', args: ({ operation }) => [operation], out: /^state\tsucceeded$/m },
  { command: 'operations cancel', args: ({ operation }) => [operation, '--yes'], code: 6, out: /^$/ },
  {
    command: 'schedules delete',
    args: named('pulse', 'nightly', '--yes'),
    out: /^pulse\tdeleted\nnightly\tdeleted\n$/,
  },
  {
    command: 'runs ls',
    args: named('--state', 'dead-lettered', '--job-type', 'lone'),
    out: /^\S+\tlone\tdead-lettered\t1\t/,
  },
  {
    command: 'runs get',
    args: ({ failedRun }) => [failedRun],
    out: /^error\t\{"name":"Error","message":"failed as asked"\}$/m,
  },
  { command: 'runs logs', args: ({ failedRun }) => [failedRun, '--follow'], out: /^$/ },
  { command: 'runs retry', args: ({ failedRun }) => [failedRun], out: /^\S+\tqueued\n$/ },
  { command: 'runs cancel', args: ({ waitingRun }) => [waitingRun, '--yes'], out: /^\S+\tcancelled\t/ },
  {
    command: 'enqueue',
    args: named('echo', '-p', '[7]', '--tag', 'a', '--tag', 'b', '--wait', '60'),
    out: /^state\tsucceeded$[^]*^output\t\[7\]$/m,
  },
  { command: 'locks ls', out: /^books\t\ttrue\tme\t0\n$/ },
  { command: 'locks get', args: named('books'), out: /^isHeld\ttrue$/m },
  { command: 'queues pause', args: named('slow'), out: /^paused\ttrue$/m },
  { command: 'queues ls', out: /^slow\ttrue\t/m },
  { command: 'queues resume', args: named('slow'), out: /^paused\tfalse$/m },
  { command: 'migrate status', out: /^$/ },
  { command: 'migrate run', args: named('--dry-run'), out: /^$/ },
  { command: 'config show', out: /^url\thttp:\S+ \(the environment\)$/m },
  { command: 'config check', out: /^result\tin order$/m },
  { command: 'doctor', mayFail: true, out: /^ok       all migrations are applied$/m },
  { command: 'ring', out: /max\/fair/ },
  { command: 'openapi', out: /^\{\n {2}"openapi": "3\.1\.0"/ },
  { command: 'completion', args: named('bash'), out: /complete -o default -F _carillon carillon/ },
  // These two start replicas, and have tests of their own: test/integration/processes.
  { command: 'up', args: named('--help'), out: /--replicas N/ },
  { command: 'replica', args: named('--help'), out: /until\s+SIGTERM/ },
];
