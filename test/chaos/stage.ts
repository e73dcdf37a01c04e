// On what does everything here happen? One database with its audit, one cluster with its work, and the harness's own
// accounts beside it: the same for a run of chaos and for a control that shows one fence missing.
import { rm } from 'node:fs/promises';
import { installAudit } from './audit.js';
import { Cluster } from './cluster.js';
import type { DatabaseServer } from './database-server.js';
import { Dice } from './dice.js';
import { readTables, type Evidence } from './evidence.js';
import type { FaultRecord, Scene } from './faults.js';
import { SideLog } from './side-log.js';
import { StallWatch } from './stalls.js';
import { Sink } from './sink.js';
import { Witness } from './witness.js';
import { addTenants, Poster } from './workload.js';

export interface Stage extends Scene {
  readonly databaseUrl: string;
  /** One last look at everything. The side log is closed by it. */
  lookBack(faults: readonly FaultRecord[]): Promise<Evidence>;
}

export interface StageOptions {
  database: string;
  replicas: number;
  seed: number;
  /** The built server to run; ours in dist/ unless said otherwise. */
  program?: string;
}

/** Sets everything up, and ends all that it started, however the play goes. */
export async function withStage<Result>(
  server: DatabaseServer,
  options: StageOptions,
  play: (stage: Stage) => Promise<Result>,
): Promise<Result> {
  const databaseUrl = await server.createDatabase(options.database);
  const witness = new Witness(databaseUrl);
  const { program } = options;
  const cluster = new Cluster({
    databaseUrl,
    folder: server.folder,
    witness,
    ...(program === undefined ? {} : { server: program }),
  });
  await rm(cluster.sideLog, { force: true });
  const sink = await Sink.open();
  const sideLog = await SideLog.follow(cluster.sideLog);
  const stallWatch = new StallWatch();
  try {
    // The first one brings the tables; what the others do is audited from the beginning.
    const first = await cluster.addSeat('r1');
    await installAudit(witness);
    for (let number = 2; number <= options.replicas; number += 1) await cluster.addSeat(`r${number}`);
    const planned = await addTenants(cluster, { seat: first, sinkUrl: sink.url });
    await cluster.untilSettled();
    const poster = new Poster(cluster, new Dice(options.seed + 1));
    const lookBack = async (faults: readonly FaultRecord[]): Promise<Evidence> => {
      await sideLog.close();
      const tables = await witness.atOneInstant(readTables);
      const seats = cluster.seats.map(({ name, process: replica }) => ({ name, pid: replica?.pid ?? null }));
      return {
        ...tables,
        planned,
        sideLog: sideLog.lines,
        calls: sink.calls,
        posts: poster.posts,
        faults,
        seats,
        stalls: stallWatch.stalls,
      };
    };
    return await play({ cluster, server, witness, poster, databaseUrl, lookBack });
  } finally {
    cluster.close();
    sink.close();
    stallWatch.close();
    await sideLog.close();
    await witness.close();
  }
}
