// Which tests are there, and what does each kind need? `unit` and `simulation` need nothing, `integration` and
// `cluster` need a PostgreSQL server, `docker` needs a Docker engine and runs only when it is asked for
// (npm run test:docker), and so do `chaos`, which brings its own server and takes minutes (npm run test:chaos), and
// `odd-database`, a part of `integration` on a database with odd settings (npm test -- --project odd-database).
// The groups run one after the other: a test that measures a takeover must not share two cores with the rest.
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

/** Tests read the sources, not dist/: the import map of package.json answers this condition with the .ts file. */
const conditions = ['source', 'module', 'node', 'development|production'];

const WORKERS_MAX = 2;
/** Most of their time they wait for the database, so that two would leave a core idle. */
const INTEGRATION_WORKERS_MAX = 3;
/** Guards against hanging, on a machine ten times slower than ours too; no test measures its time by them. */
const HOOK_TIMEOUT_MS = 600_000;

interface Project {
  readonly name: string;
  readonly include: string[];
  readonly order: number;
  readonly testTimeoutMs: number;
  readonly fileParallelism?: boolean;
  readonly workersMax?: number;
  readonly needsPostgres?: boolean;
  /** False where no file leaves anything behind in its process: loading the modules anew for each file costs a third. */
  readonly isolate?: boolean;
}

function project(options: Project): TestProjectInlineConfiguration {
  const {
    name,
    include,
    order,
    testTimeoutMs,
    fileParallelism = true,
    workersMax = WORKERS_MAX,
    needsPostgres = false,
    isolate = true,
  } = options;
  return {
    extends: true,
    test: {
      name,
      include,
      testTimeout: testTimeoutMs,
      hookTimeout: HOOK_TIMEOUT_MS,
      maxWorkers: fileParallelism ? workersMax : 1,
      fileParallelism,
      isolate,
      sequence: { groupOrder: order },
      ...(needsPostgres ? { globalSetup: ['./test/support/postgres-server.ts'] } : {}),
    },
  };
}

const docker = project({
  name: 'docker',
  include: ['test/docker/**/*.spec.ts'],
  order: 3,
  testTimeoutMs: 1_800_000,
  fileParallelism: false,
});

const chaos = project({
  name: 'chaos',
  include: ['test/chaos/chaos.spec.ts'],
  order: 4,
  testTimeoutMs: 600_000,
  fileParallelism: false,
});

/**
 * What depends most on how a session stands: locks and what is read behind them, instants, schedules, limits, the functions that
 * others call. On a database with every odd setting at once (test/support/odd-database.ts); the rest would say no more of it.
 */
const oddDatabase = project({
  name: 'odd-database',
  include: [
    'execution/claiming',
    'cluster/fences',
    'cluster/leadership',
    'workers/leases',
    'execution/limits-kept',
    'database/partitions',
    'database/upkeep-starts',
    'rest/requests/idempotency',
    'scheduling/planner',
    'rest/schedules/ledger',
    'rest/runs/run-filters',
    'rest/schedules/schedule-changes',
    'rest/schedules/schedule-fires',
    'rest/runs/unique-keys',
    'execution/run-cancel',
    'execution/run-log',
    'execution/run-outcomes',
    'scheduling/schedule-change-gate',
    'execution/settling',
    'client/sql-enqueue',
    'execution/takeover',
    'rest/schedules/audit',
    'rest/schedules/revisions',
    'rest/schedules/calendars',
    'operations/carriers',
    'locks/acquiring',
    'locks/lines',
    'rest/locks/locks',
    'rest/runs/debounce',
    'rest/schedules/after-end',
  ].map((name) => `test/integration/${name}.spec.ts`),
  order: 1,
  testTimeoutMs: 300_000,
  needsPostgres: true,
  isolate: false,
});

/** Vitest runs every project it knows of, and can leave one out on the command line only; so it is not told. */
const askedFor = [docker, chaos, oddDatabase].filter(({ test }) =>
  process.argv.some((argument) => argument.replace('--project=', '') === test?.name),
);

export default defineConfig({
  // Nest injects by constructor types. Without these the decorators reach Node as they stand, a syntax error.
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  // Global setups run in an environment of their own; untold, they would read dist/, as old as it may be.
  environments: { __vitest__: { resolve: { conditions } } },
  test: {
    reporters: ['default', './test/support/progress-reporter.ts', './test/support/summary-reporter.ts'],
    projects: [
      project({
        name: 'unit',
        include: [
          'libs/**/*.spec.ts',
          'apps/**/*.spec.ts',
          'test/{bench,ledger-model,scaling}/**/*.spec.ts',
          'test/chaos/{checks,locks}/*.spec.ts',
          'test/{docs,tidy}.spec.ts',
        ],
        order: 0,
        testTimeoutMs: 120_000,
        isolate: false,
      }),
      project({
        name: 'simulation',
        include: ['test/simulation/**/*.spec.ts'],
        order: 0,
        testTimeoutMs: 3_000_000,
      }),
      project({
        name: 'integration',
        include: ['test/integration/**/*.spec.ts'],
        order: 1,
        workersMax: INTEGRATION_WORKERS_MAX,
        testTimeoutMs: 300_000,
        needsPostgres: true,
        isolate: false,
      }),
      project({
        name: 'cluster',
        include: ['test/cluster/**/*.spec.ts'],
        order: 2,
        testTimeoutMs: 1_200_000,
        // These start whole clusters: two at once would measure each other.
        fileParallelism: false,
        needsPostgres: true,
      }),
      ...askedFor,
    ],
  },
});
