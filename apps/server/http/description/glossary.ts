// What do the fields mean whose name says nearly all of it? A field has one meaning throughout the API; where it has another
// below some field or in some schema, it stands here behind that one's name. A field with a description of its own keeps it.
import { isObject, type Schema } from './json-schema.js';

const OF_RESOURCES = {
  id: 'Its id, a UUID.',
  name: 'Its name.',
  displayName: 'Its name for people.',
  description: 'What it is, for people.',
  revision: 'Grows with each change; its ETag.',
  labels: 'Names and values of the caller’s choice.',
  items: 'In the order that the operation says.',
  nextPageToken: 'For the next page; null on the last one.',
  pageToken: 'The nextPageToken of the page before, with the same filter.',
  tenant: "The tenant's name.",
  limits: 'What it may use at most.',
  'rate.count': 'So many starts of runs, each perSeconds.',
  perSeconds: 'The span of the rate.',
  weight: 'Its share, in proportion to those of the others.',
  retentionDays: 'How long its finished runs are kept; null for as long as the installation keeps them.',
  allowedQueues: "The queues of the application's pg-boss that its job types may fill.",
  allowedHandlers: 'The handlers that its own job types may name.',
  role: 'What the key may do.',
  filter: 'Which ones; all of its fields must match.',
  limit: 'How many at most.',
  count: 'How many.',
  state: 'Its state.',
  'Tenant.state': 'A suspended tenant starts no run.',
} as const;

const OF_JOB_TYPES = {
  jobType: 'The name of its job type.',
  'filter.jobType': 'Only those of this job type.',
  target: 'Where its runs execute.',
  'SlotOfTenant.target': 'The replica to which the slot is handed over; null for none.',
  kind: 'Which kind of target it is.',
  handler: 'The handler in the replicas.',
  url: 'The URL to which the payload is posted.',
  headers: 'Sent with each call.',
  leaseSeconds: 'A worker that sends no heartbeat for so long has lost the run.',
  retry: 'How its attempts are repeated.',
  maxAttempts: 'So many attempts at most, the first one included.',
  backoff: 'How the delay grows from one attempt to the next.',
  minSeconds: 'The first delay, before jitter is taken off.',
  maxSeconds: 'No delay is longer.',
  jitter: 'Up to this part of each delay is taken off by chance.',
  timeoutSeconds: 'An attempt that takes longer has failed.',
  heartbeatSeconds: 'An attempt that is silent for so long has failed; null for never.',
  'RegisteredWorker.heartbeatSeconds': 'Send a heartbeat of the worker so often.',
  keyDefaults: 'For runs that name a concurrencyKey and say neither overlap nor order themselves.',
  payloadSchema: 'JSON Schema of the payload; null for any.',
  outputSchema: 'JSON Schema of the output; null for any.',
} as const;

const OF_SCHEDULES = {
  spec: 'When it is due, in one of several forms.',
  cron: '5 fields, or 6 with seconds first.',
  everySeconds: 'Due each so many seconds, counted from startAt, or from when it was made.',
  rrule: 'RRULE of RFC 5545.',
  at: 'One instant, or a list of them.',
  anyOf: 'Due whenever one of them is.',
  timeZone: 'IANA name of the zone of cron and rrule; null where the spec has none.',
  maxFires: 'The greatest number of due times; null for no bound.',
  calendars: 'Names of calendars; null for none.',
  exclude: 'No due time lies on a day of one of these.',
  include: 'Each due time lies on a day of one of these.',
  catchUp: 'Which due times that passed in an outage still run.',
  'catchUp.mode': 'none, the latest, or all within bounds.',
  withinSeconds: 'A due time that is older does not run any more.',
  'catchUp.max': 'At most so many run, the newest.',
  overlap: 'What becomes of a run while another one is running.',
  mode: 'What happens then.',
  max: 'At most so many wait.',
  order: 'Whether the runs of a concurrencyKey start in their order.',
  pauseAfterFailures: 'It pauses when so many runs failed one after the other; null for never.',
  pauseReason: 'Why it is paused, as far as it was said.',
  dates: 'Dates, ranges of dates, and days of each year.',
  schedules: 'The schedules of the job type that the code defines.',
  schedule: 'The name of the schedule.',
  scheduleId: 'The id of the schedule that made it; null for none.',
  matching: 'How many schedules match.',
  dueTimes: 'The due times, in their order.',
  'BackfillCount.dueTimes': 'How many due times the span has.',
  wouldRun: 'How many would run.',
  text: 'The same in words.',
  isComplete: 'False where there is more than was looked at.',
  change: 'What was done.',
  changes: 'What became of each field.',
  field: 'The name of the field.',
  'changes.from': 'Its value before.',
  'changes.to': 'Its value since.',
  deletedBy: 'Who deleted it; null if it is there.',
  reason: 'Why it has this outcome; null where that needs no reason.',
  latenessMs: 'How long after it was to start its run started; null if it did not.',
  outcome: 'What became of it.',
  'schedules.state': 'Only those in this state.',
} as const;

const OF_RUNS = {
  payload: 'What the job is given.',
  output: 'What the job gave back; null for nothing.',
  queue: 'The queue in which it waits.',
  concurrencyKey: 'Runs of the job type with the same key share maxConcurrentPerKey; null for none.',
  tags: 'Words of the caller’s choice, by which lists find it.',
  tag: 'Only those with this tag.',
  'filter.state': 'Only those in this state.',
  'filter.queue': 'Only those in this queue.',
  priority: 'Higher goes first among the runs of the tenant.',
  deadlineSeconds: 'A run expires so long after it was to start; null for never.',
  unique: 'Lets one run at most hold a key.',
  progress: 'How far it is.',
  fraction: 'From 0 to 1.',
  'progress.message': 'What is being done.',
  total: 'Of so many; null while that is not known.',
  attempt: 'The number of the attempt, counted from 1.',
  replica: 'The number of the replica; null for none.',
  worker: 'The id of the worker.',
  error: 'Why it went wrong; null if it did not.',
  'error.name': 'The kind of error.',
  message: 'What happened, for people.',
  stack: 'Where in the code.',
  runId: 'The id of the run; null for none.',
  'LeaseEnd.runId': 'The id of the run.',
  created: 'How many runs were created.',
  failed: 'How many were not.',
  results: 'One for each run, in the order of the request.',
  deduplicated: 'True if another run held the key; the id is that run’s.',
  replaced: 'True if that run has the values of the request now.',
  detail: 'What was expected and what was got.',
  level: 'How grave it is.',
  fields: 'What was logged beside the message; null for nothing.',
  paused: 'While true, none of its runs starts.',
  retried: 'How many are tried again.',
  heldBy: 'The run that stands against it.',
} as const;

const OF_LOCKS_AND_WORKERS = {
  locks: 'The locks that it needs.',
  'locks.token': 'The token of its hold; null while it stands in line.',
  'AcquiredLocks.locks': 'All that were asked for.',
  isHeld: 'Whether at least one hold is there.',
  holder: 'Who holds it, as the holder has named itself.',
  permits: 'How many permits.',
  ended: 'The holds that were ended.',
  token: 'The token of the hold.',
  expiresAt: 'When it ends by itself; null for never.',
  jobTypes: 'The names of the job types whose runs it takes.',
  'registerWorker.jobTypes': 'The job types whose runs it takes.',
  concurrency: 'How many runs it works on at once.',
  workerId: 'The id of the worker, as its registration answered it.',
  leases: 'One for each run that the worker has got; none when no run is there.',
  run: 'The run.',
  pointer: 'Where, as a JSON Pointer (RFC 6901).',
  lines: 'How many lines were read.',
} as const;

const OF_THE_CLUSTER = {
  number: 'The number of the replica, which no later one gets.',
  incarnation: 'A random id of the process.',
  host: 'Where its process runs.',
  pid: 'The number of its process.',
  'Replica.url': 'Where its API is reached.',
  version: 'The version of Carillon.',
  roles: 'What it does: api, scheduler, worker.',
  preference: 'A replica with a higher one leads where it can.',
  diedReason: 'Why it was declared dead; null if it was not.',
  beatAgeMs: 'How long ago its last heartbeat came.',
  ownedSlots: 'How many slots it owns.',
  term: 'The term of leadership, which only grows.',
  slotCount: 'How many slots there are.',
  members: 'The replicas that share the slots.',
  slots: 'How many slots it has.',
  share: 'The part of all slots, from 0 to 1.',
  unowned: 'How many slots have no owner.',
  handingOver: 'How many slots move to another owner.',
  seq: 'Its place among the events.',
  type: 'Which kind of event it is.',
  'Problem.type': 'Names the kind of problem.',
  data: 'What else is known of it.',
  slot: 'The slot in which it lives.',
  owner: 'The number of the replica that serves the slot; null for none.',
  epoch: 'Grows with each new owner of the slot.',
  movedSlots: 'How many slots would move.',
  slotsNow: 'How many slots it has.',
  slotsThen: 'How many slots it would have.',
} as const;

const OF_PROBLEMS = {
  title: 'The kind of problem, for people.',
  status: 'The status of the answer.',
  instance: 'The path that was asked for.',
  errors: 'What is wrong, field by field.',
  currentRevision: 'The revision that it has now.',
  currentState: 'The state in which it is now.',
  'limit.name': 'Which limit.',
  current: 'How much of it is used.',
  'limit.max': 'How much there may be.',
} as const;

const MEANINGS: Readonly<Record<string, string>> = {
  ...OF_RESOURCES,
  ...OF_JOB_TYPES,
  ...OF_SCHEDULES,
  ...OF_RUNS,
  ...OF_LOCKS_AND_WORKERS,
  ...OF_THE_CLUSTER,
  ...OF_PROBLEMS,
};

/** Of the last name, below the one before it. */
export function meaningOf(names: readonly string[]): string | undefined {
  const [above, name = ''] = names.length > 1 ? names.slice(-2) : [undefined, names.at(-1)];
  return MEANINGS[`${above}.${name}`] ?? MEANINGS[name];
}

/** Describes every field of the schema that has no description. */
export function tellMeanings(schema: unknown, names: readonly string[]): void {
  if (Array.isArray(schema)) for (const one of schema) tellMeanings(one, names);
  if (!isObject(schema)) return;
  const { properties } = schema;
  if (isObject(properties))
    for (const [name, field] of Object.entries(properties)) {
      if (isObject(field)) properties[name] = inWords(field, meaningOf([...names, name]));
      tellMeanings(properties[name], [...names, name]);
    }
  for (const part of [schema['items'], schema['anyOf'], schema['oneOf'], schema['additionalProperties']])
    tellMeanings(part, names);
}

/**
 * The default stands in the text: generated clients take a field with a `default` for one that is always there, and send the
 * default of their day for ever.
 */
function inWords({ default: value, ...field }: Schema, meaning: string | undefined): Schema {
  const told = isTold(field) ? field['description'] : meaning;
  const text = typeof told === 'string' ? told : '';
  const said = value === undefined || text.includes('Default: ') ? '' : `Default: ${JSON.stringify(value)}.`;
  const description = [text, said].filter(Boolean).join(' ');
  return description === '' ? field : { ...field, description };
}

/** Or one of its alternatives is. */
export function isTold(field: unknown): boolean {
  if (!isObject(field)) return true;
  const { description, $ref, anyOf } = field;
  return description !== undefined || $ref !== undefined || (Array.isArray(anyOf) && anyOf.some(isTold));
}
