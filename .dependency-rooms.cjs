// Which rooms are there, and which others may each import? The rules that are made of these stand in .dependency-cruiser.cjs.

/** The rooms below each lib, in the words of its folder names. */
const below = {
  kernel: [],
  database: ['kernel'],
  cluster: ['database', 'kernel'],
  scheduling: ['cluster', 'database', 'kernel', 'locks'],
  // The executor calls what users wrote against the client's contract, so it knows that contract.
  execution: ['client', 'cluster', 'database', 'kernel', 'locks'],
  tenancy: ['cluster', 'database', 'kernel'],
  locks: ['database', 'kernel'],
  operations: ['cluster', 'database', 'kernel', 'scheduling'],
  client: ['kernel'],
};

/** The rooms of libs/execution, from the lowest up, and which others each may import. A room's decisions belong to it. */
const executionRooms = {
  runs: [],
  endpoints: [],
  limits: ['runs'],
  schemas: ['runs'],
  'job-types': ['endpoints', 'limits'],
  'intake/debounce': ['intake'],
  intake: ['intake/debounce', 'job-types', 'limits', 'runs'],
  held: ['limits', 'runs'],
  'claiming/strict': ['held', 'limits', 'runs'],
  'claiming/claims': ['claiming/strict', 'limits', 'runs'],
  claiming: ['claiming/claims', 'claiming/strict', 'held', 'limits', 'runs'],
  'taking-in': ['claiming', 'claiming/claims', 'held', 'intake', 'job-types', 'limits', 'runs'],
  reports: ['runs'],
  settling: ['held', 'limits', 'reports', 'runs'],
  locking: ['held', 'limits', 'runs', 'settling'],
  takeover: ['held', 'runs'],
  leases: ['job-types', 'runs', 'schemas', 'settling', 'takeover'],
  'targets/http': ['endpoints', 'job-types', 'leases', 'runs'],
  targets: ['job-types', 'runs', 'schemas', 'targets/http'],
  'run-actions': ['intake', 'runs', 'settling'],
  attempts: ['held', 'intake', 'limits', 'locking', 'reports', 'run-actions', 'runs', 'settling', 'targets'],
  'targets/threads': ['runs', 'targets'],
};

/** The rooms of libs/cluster; `.` is what lies beside them, and below all. */
const clusterRooms = {
  '.': [],
  membership: ['.'],
  leadership: ['.', 'membership'],
  hints: ['.', 'membership'],
  slots: ['.', 'hints', 'leadership', 'membership'],
  sweep: ['.', 'hints', 'leadership', 'membership', 'slots'],
  horizon: ['.', 'leadership'],
  lookout: ['.', 'leadership'],
};

/** The rooms of libs/database, with those of its embedded server. */
const databaseRooms = {
  runtime: [],
  tables: [],
  '.': ['tables'],
  sessions: ['.', 'tables'],
  migrating: ['.', 'sessions', 'tables'],
  'embedded/programs': [],
  'embedded/data': ['embedded/programs'],
  'embedded/server': ['embedded/data', 'embedded/programs'],
  embedded: ['embedded/data', 'embedded/programs', 'embedded/server'],
};

/** The rooms of libs/scheduling; `.` has the decisions, but for those about one kind of spec. */
const schedulingRooms = {
  // Rules are due by the wall clock, which lies in `.`.
  'decisions/kinds': ['.', 'decisions/rrule'],
  'decisions/rrule': ['.'],
  'decisions/calendars': ['.', 'decisions/kinds'],
  '.': ['decisions/calendars', 'decisions/kinds', 'decisions/rrule'],
  following: ['.'],
  planning: ['.', 'decisions/kinds', 'following'],
  'catching-up': ['.'],
  outages: ['.', 'decisions/kinds'],
  schedules: ['.', 'catching-up', 'decisions/kinds', 'decisions/rrule', 'following', 'planning'],
  calendars: ['.', 'decisions/calendars', 'planning', 'schedules'],
  suspending: ['.'],
  failing: ['.', 'schedules'],
  revisions: ['.', 'decisions/kinds', 'following', 'schedules'],
  defining: ['.', 'schedules'],
};

/** The rooms of libs/operations; `.` knows no kind of operation, and each kind no other. */
const operationRooms = { '.': [], backfill: ['.'], 'schedule-states': ['.'], 'tenant-catch-up': ['.'] };

/** The rooms of libs/client; `.` is the one file that users import. */
const clientRooms = {
  options: [],
  jobs: ['options'],
  worker: ['options', 'jobs'],
  locks: ['options', 'worker'],
  testing: ['.', 'jobs', 'options', 'worker'],
  // In `.` of http are the calls of each, and the client that has them all.
  http: ['http/runs', 'http/schedules', 'jobs', 'locks', 'options', 'worker'],
  'http/runs': ['http', 'jobs', 'options', 'worker'],
  'http/schedules': ['http', 'http/runs', 'jobs', 'options'],
  '.': ['http', 'http/runs', 'http/schedules', 'jobs', 'locks', 'worker'],
  nest: ['.', 'jobs', 'options', 'worker'], // the sub-path `carillon/nest`
};

/** The rooms of `npm start`; `.` is its story. */
const upRooms = {
  terminal: [],
  processes: [],
  data: ['processes', 'terminal'],
  cluster: ['data', 'processes', 'terminal'],
  story: ['cluster', 'data', 'processes', 'terminal'],
  '.': ['cluster', 'data', 'processes', 'story', 'terminal'],
};

/** Below most rooms of the REST API. */
const asked = ['access', 'answers', 'problems', 'requests'];
const ofSchedules = ['schedules/computing', 'schedules/filters', 'schedules/policies'];

/** The rooms of the REST API. */
const httpRooms = {
  problems: [],
  requests: ['problems'],
  answers: ['problems'],
  access: ['answers', 'problems', 'requests'],
  ways: ['problems', 'requests'],
  tenants: [...asked, 'job-types', 'operations'],
  'job-types': [...asked, 'runs/keys'],
  fires: ['access', 'problems', 'requests'],
  logs: [...asked],
  'runs/keys': [],
  'blocked-keys': [...asked],
  runs: [...asked, 'blocked-keys', 'fires', 'job-types', 'logs', 'runs/keys'],
  calendars: [...asked],
  'schedules/computing': ['access', 'requests'],
  'schedules/policies': ['problems', 'requests'],
  'schedules/filters': ['problems', 'requests'],
  schedules: [...asked, ...ofSchedules, 'job-types', 'runs'],
  operations: [...asked],
  locks: [...asked],
  'schedule-actions': [...asked, ...ofSchedules, 'job-types', 'runs', 'schedules', 'operations'],
  'schedule-history': [...asked, 'runs', 'schedules', 'schedules/computing'],
  'code-schedules': [
    ...asked,
    'job-types',
    'schedule-actions',
    'schedules',
    'schedules/computing',
    'schedules/policies',
  ],
  workers: [...asked, 'fires', 'job-types', 'runs/keys'],
  cluster: [...asked],
  description: ['access', 'problems', 'requests'],
};

module.exports = {
  below,
  databaseRooms,
  clusterRooms,
  schedulingRooms,
  clientRooms,
  operationRooms,
  executionRooms,
  httpRooms,
  upRooms,
};
