// Who may import whom? One way: apps → operations → execution, scheduling, tenancy → cluster → database → kernel.

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

const SPEC = '\\.spec\\.ts$';
const NODE_MODULES = '(^|/)node_modules/';
const nodeModule = (names) => `${NODE_MODULES}(${names})(/|$)`;

const oneWay = Object.entries(below).map(([room, lower]) => ({
  name: `${room}-reaches-down-only`,
  comment: `libs/${room} may import ${lower.length > 0 ? lower.join(', ') : 'none of our other rooms'}.`,
  severity: 'error',
  // A spec may borrow from test/ what it needs to arrange its case.
  from: { path: `^libs/${room}/`, pathNot: SPEC },
  to: { path: '^(libs|apps|test)/', pathNot: `^libs/(${[room, ...lower].join('|')})/` },
}));

/** The files of a room itself and its decisions (those of scheduling have a folder of their own for the calendar), and not those of a room within it. */
const filesOf = (place, rooms) =>
  `^${place}/(${rooms.map((room) => (room === '.' ? '' : `${room}/`)).join('|')})(decisions/|decisions/calendar/)?[^/]+$`;

const roomRules = (place, rooms) => [
  ...Object.entries(rooms).map(([room, lower]) => ({
    name: `${place}/${room}-reaches-down-only`,
    comment: `${place}/${room} may import ${lower.length > 0 ? lower.join(', ') : 'no other room'} of ${place}.`,
    severity: 'error',
    from: { path: filesOf(place, [room]), pathNot: SPEC },
    to: { path: `^${place}/`, pathNot: filesOf(place, [room, ...lower]) },
  })),
  {
    name: `${place}-has-only-known-rooms`,
    comment: `A file of ${place} belongs into one of its rooms.`,
    severity: 'error',
    from: { path: `^${place}/`, pathNot: filesOf(place, Object.keys(rooms)) },
    to: {},
  },
];

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...oneWay,
    ...roomRules('libs/database', databaseRooms),
    ...roomRules('libs/cluster', clusterRooms),
    ...roomRules('libs/scheduling', schedulingRooms),
    ...roomRules('libs/client', clientRooms),
    ...roomRules('libs/operations', operationRooms),
    ...roomRules('libs/execution', executionRooms),
    ...roomRules('apps/server/http', httpRooms),
    ...roomRules('apps/cli/up', upRooms),
    {
      name: 'only-known-rooms',
      comment: 'A new folder in libs/ needs its place in the order first: add it to `below`.',
      severity: 'error',
      from: {},
      to: { path: '^libs/', pathNot: `^libs/(${Object.keys(below).join('|')})/` },
    },
    {
      name: 'specs-stay-in-their-layer',
      comment: 'A unit test may not reach up either: what needs an app is an integration test.',
      severity: 'error',
      from: { path: `^libs/.*${SPEC}` },
      to: { path: '^apps/' },
    },
    {
      name: 'nothing-imports-apps',
      comment: 'Apps are where things are put together. Only apps and tests know them.',
      severity: 'error',
      from: { pathNot: '^(apps|test)/' },
      to: { path: '^apps/' },
    },
    {
      name: 'no-tests-in-the-product',
      comment: 'What runs in production must not need what only tests bring.',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: SPEC },
      to: { path: `^test/|${SPEC}` },
    },
    {
      name: 'kernel-has-no-libraries',
      comment: 'The kernel is vocabulary: it imports nothing, not even a library.',
      severity: 'error',
      from: { path: '^libs/kernel/', pathNot: SPEC },
      to: { pathNot: '^libs/kernel/' },
    },
    {
      name: 'decisions-are-pure',
      comment: 'A decision gets all it needs passed in. It may use the kernel and other decisions.',
      severity: 'error',
      // cronstrue says in words what a schedule means, and is as pure.
      from: { path: '^libs/.+/decisions/', pathNot: `${SPEC}|/spec-text\\.ts$` },
      to: { pathNot: '^libs/(kernel/|.+/decisions/)' },
    },
    {
      name: 'client-is-light',
      comment: 'Users install the client beside their own code: it brings nothing along.',
      severity: 'error',
      from: { path: '^libs/client/', pathNot: [SPEC, '^libs/client/nest/'] }, // whose users have Nest
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'npm-peer', 'npm-optional'],
        dependencyTypesNot: ['type-only', 'type-import'], // a transaction's types bring nothing along
      },
    },
    {
      name: 'no-circular',
      comment: 'Two files that need each other are one file, or three.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-dev-dependencies-in-the-product',
      comment: 'These are missing where only the product is installed. Types may come from there.',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: [SPEC, '^apps/cli/pack.mjs$'] }, // pack.mjs makes the packages, and is in none
      to: {
        dependencyTypes: ['npm-dev'],
        dependencyTypesNot: ['type-only'],
        pathNot: nodeModule('@types/[^/]+'),
      },
    },
    {
      name: 'no-undeclared-packages',
      comment: 'A package that comes along with another one may leave with it: declare it.',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'nothing-unresolvable',
      comment: 'An import that is not found here is not found by Node either.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      // "source" leads the import map to the .ts files; without it the rules would judge dist/, or nothing at all.
      conditionNames: ['source', 'import', 'node', 'default', 'types'],
      exportsFields: ['exports'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.d.ts', '.json'],
      mainFields: ['module', 'main', 'types', 'typings'],
    },
    reporterOptions: { text: { highlightFocused: true } },
  },
};
