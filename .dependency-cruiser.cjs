// Who may import whom? One way: apps → operations → execution, scheduling, tenancy → cluster → database → kernel.

const {
  below,
  databaseRooms,
  clusterRooms,
  schedulingRooms,
  clientRooms,
  operationRooms,
  executionRooms,
  httpRooms,
  upRooms,
} = require('./.dependency-rooms.cjs');

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
