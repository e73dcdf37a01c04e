// How fast is work done while another session holds a snapshot open? Nothing that is deleted meanwhile can be
// cleared away, and a plain SKIP LOCKED queue, which walks over all of it for each batch, falls to a tenth.
import pg from 'pg';
import { Feeder, keepWaiting, type BloatBed } from './bed.js';
import { observe, type Observation } from './observation.js';

const WARM_SECONDS = 10;
const WINDOW_SECONDS = 10;
const BACKLOG = 20_000;

export interface SnapshotFigures {
  /** Runs a second before, and in the worst window while the snapshot was held. */
  readonly quiet: number;
  readonly worst: number;
}

export async function holdSnapshot(
  bed: BloatBed,
  { seconds, tell }: { seconds: number; tell: (phase: string, seen: Observation) => void },
): Promise<SnapshotFigures> {
  const feeder = new Feeder(bed, keepWaiting(BACKLOG));
  feeder.start();
  try {
    tell('warm', await observe(bed, WARM_SECONDS));
    const quiet = await observe(bed, 2 * WINDOW_SECONDS);
    tell('quiet', quiet);
    const holder = new pg.Client({ connectionString: bed.databaseUrl, application_name: 'snapshot-holder' });
    await holder.connect();
    await holder.query('begin isolation level repeatable read');
    await holder.query('select 1 from carillon.run limit 1');
    const held: Observation[] = [];
    for (let past = 0; past < seconds; past += WINDOW_SECONDS) {
      const seen = await observe(bed, WINDOW_SECONDS);
      tell('held', seen);
      held.push(seen);
    }
    await holder.query('commit');
    await holder.end();
    tell('after', await observe(bed, WINDOW_SECONDS));
    return {
      quiet: quiet.runsPerSecond,
      worst: Math.min(...held.map(({ runsPerSecond }) => runsPerSecond)),
    };
  } finally {
    await feeder.stop();
  }
}
