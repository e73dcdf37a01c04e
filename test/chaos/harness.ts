// On what does everything here happen? One database with its audit, one cluster with its work, and the harness's own
// accounts beside it: the same for a run of chaos and for a control that shows one fence missing.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Accounts } from './accounts.js';
import { installAudit } from './audit.js';
import type { Bed, Ground } from './beds/bed.js';
import { direct } from './beds/direct.js';
import { Cluster } from './cluster.js';
import type { DatabaseServer } from './database-server.js';
import { Dice } from './dice.js';
import { readTables, type Evidence } from './evidence.js';
import type { FaultRecord, Scene } from './faults.js';
import { OutsideWorkers } from './limited/outside-workers.js';
import { Steering } from './limited/steering.js';
import { addInOrder } from './limited/in-order.js';
import { addOneByOne } from './limited/one-by-one.js';
import { addLimitedTenants } from './limited/tenants.js';
import { addUnderLocks } from './limited/under-locks.js';
import { LockUsers } from './locks/lock-users.js';
import { auditAll } from './many/audits.js';
import { ManySchedules } from './many/many-schedules.js';
import { Witness } from './witness.js';
import { addTenants, Poster, type Planned } from './workload.js';

export interface Harness extends Scene {
  readonly databaseUrl: string;
  readonly steering: Steering;
  readonly workers: OutsideWorkers;
  readonly many: ManySchedules;
  readonly locks: LockUsers;
  /** One last look at everything. The side log is closed by it. */
  lookBack(faults: readonly FaultRecord[]): Promise<Evidence>;
}

const HANDLERS = fileURLToPath(new URL('handlers', import.meta.url));

export interface HarnessOptions {
  database: string;
  replicas: number;
  seed: number;
  /** Direct, unless said otherwise. */
  bed?: Bed;
  /** How many schedules of many kinds; none, unless said otherwise. */
  schedules?: number;
  /** The built server to run; ours in dist/ unless said otherwise. */
  program?: string;
}

/** Sets everything up, and ends all that it started, however the play goes. */
export async function withHarness<Result>(
  server: DatabaseServer,
  options: HarnessOptions,
  play: (harness: Harness) => Promise<Result>,
): Promise<Result> {
  const { folder } = server;
  const databaseUrl = await server.createDatabase(options.database);
  const { bed = direct } = options;
  const ground = await bed.prepare(server, databaseUrl);
  const witness = new Witness(databaseUrl);
  const spellFile = join(folder, 'spells.ndjson');
  const cluster = clusterOn(ground, { ...options, folder, witness, spellFile });
  const { sideLog } = cluster;
  const accounts = await Accounts.open({ databaseUrl, sideLog, spellFile, origins: () => cluster.urls });
  let workers: OutsideWorkers | undefined;
  let locks: LockUsers | undefined;
  try {
    const fromMs = Date.now();
    const many = new ManySchedules(cluster, new Dice(options.seed + 4));
    const lockFile = join(folder, 'locks.ndjson');
    const using = (locks = new LockUsers({ cluster, databaseUrl, file: lockFile, seed: options.seed }));
    const planned = await setUp(cluster, { ...options, witness, accounts, many, bed, locks });

    const started = (workers = new OutsideWorkers(cluster, accounts.spells));
    const poster = new Poster(cluster, new Dice(options.seed + 1));
    const steering = new Steering(cluster, new Dice(options.seed + 2));
    const lookBack = async (faults: readonly FaultRecord[]): Promise<Evidence> => {
      const audits = await auditAll(cluster, { audited: many.audited, fromMs });
      const seen = await accounts.look();
      const words = [...accounts.sink.words, ...started.words];
      const { complaints } = started;
      const { standstills } = steering;
      const { posts } = poster;
      const kept = {
        planned,
        audits,
        words,
        complaints,
        standstills,
        posts,
        faults,
        locks: await using.account(),
      };
      return { ...(await witness.atOneInstant(readTables)), ...seen, ...kept, seats: seatsOf(cluster) };
    };
    const scene = { cluster, server, witness, poster, databaseUrl };
    return await play({ ...scene, lookBack, steering, workers, many, locks });
  } finally {
    await workers?.stop();
    await locks?.end();
    cluster.close();
    await accounts.close();
    await witness.close();
    await ground.close();
  }
}

function clusterOn(
  ground: Ground,
  {
    program,
    spellFile,
    folder,
    witness,
  }: { program?: string; spellFile: string; folder: string; witness: Witness },
): Cluster {
  return new Cluster({
    folder,
    witness,
    databaseUrl: ground.productUrl,
    ports: ground.ports,
    env: { CARILLON_HANDLERS: HANDLERS, CHAOS_SPELLS: spellFile, ...ground.env },
    ...(program === undefined ? {} : { server: program }),
  });
}

function seatsOf({ seats }: Cluster): Evidence['seats'] {
  return seats.map(({ name, process: replica }) => ({ name, pid: replica?.pid ?? null }));
}

interface Parts extends HarnessOptions {
  witness: Witness;
  accounts: Accounts;
  many: ManySchedules;
  bed: Bed;
  locks: LockUsers;
}

/** Replicas, tenants and their work; resolves with the schedules once the replicas share the slots. */
async function setUp(
  cluster: Cluster,
  { witness, accounts, many, locks, replicas, bed, schedules = 0 }: Parts,
): Promise<Planned[]> {
  // The first one brings the tables; what the others do is audited from the beginning.
  const seat = await cluster.addSeat('r1');
  await installAudit(witness);
  await accounts.workQueue();
  for (let number = 2; number <= replicas; number += 1) await cluster.addSeat(`r${number}`);
  const where = { seat, sinkUrl: accounts.sink.url };
  const planned = await addTenants(cluster, where);
  await addLimitedTenants(cluster, where);
  await addOneByOne(cluster, where);
  await addInOrder(cluster, where);
  await addUnderLocks(cluster, where);
  await many.add(seat, schedules);
  await locks.add(seat);
  await cluster.untilSettled();
  await bed.addWork?.(cluster, { seat, witness });
  return planned;
}
