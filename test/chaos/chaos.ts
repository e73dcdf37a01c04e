// What is one run of chaos? A database and a cluster of its own, work, faults for as long as was asked, then healing,
// some quiet seconds, one last look, and the verdict. Everything it starts, it ends, however it goes.
import { setTimeout as rest } from 'node:timers/promises';
import type { Bed } from './beds/bed.js';
import { direct } from './beds/direct.js';
import { violations } from './checker.js';
import { DatabaseServer } from './database-server.js';
import { Dice } from './dice.js';
import type { Evidence } from './evidence.js';
import type { FaultKind, FaultRecord } from './faults.js';
import { postInOrder } from './limited/in-order.js';
import { postUnderLocks } from './limited/under-locks.js';
import { ALL_FAULTS, Nemesis } from './nemesis.js';
import { withHarness, type Harness } from './harness.js';

export interface ChaosOptions {
  seed: number;
  minutes: number;
  replicas: number;
  /** Direct, unless said otherwise. */
  bed?: Bed;
  /** None, unless said otherwise. */
  schedules?: number;
  faults?: readonly FaultKind[];
  /** Between two faults; each is drawn unless one is given. */
  pauseMs?: number;
  log: (line: string) => void;
}

export interface Verdict {
  readonly violations: readonly string[];
  readonly evidence: Evidence;
}

const QUIET_MS = 15_000;
const POSTS_PER_SECOND = 8;
const STRAY_EVERY_MS = 3_000;

export async function runChaos(options: ChaosOptions): Promise<Verdict> {
  const { seed, replicas, bed = direct, schedules = 0, log } = options;
  const server = await DatabaseServer.start();
  try {
    return await withHarness(
      server,
      { database: 'chaos', replicas, seed, bed, schedules },
      async (harness) => {
        const faults = await rageAndHeal(harness, options);
        log(`looks back after ${QUIET_MS / 1_000} quiet seconds`);
        const evidence = await harness.lookBack(faults);
        return { violations: violations(evidence), evidence };
      },
    );
  } finally {
    await server.remove();
  }
}

async function rageAndHeal(
  harness: Harness,
  { seed, minutes, faults = ALL_FAULTS, pauseMs, bed = direct, log }: ChaosOptions,
): Promise<FaultRecord[]> {
  const { cluster, poster, steering, workers, many, locks } = harness;
  const nemesis = new Nemesis({
    scene: harness,
    dice: new Dice(seed),
    log,
    ...(pauseMs === undefined ? {} : { pauseMs }),
    faults: faults.map((kind) => bed.limited(kind)),
  });
  const stop = new AbortController();
  const work = Promise.all([
    poster.postUntil(stop.signal, { perSecond: POSTS_PER_SECOND }),
    steering.steerUntil(stop.signal),
    postInOrder(stop.signal, { poster, seats: cluster.seats, dice: new Dice(seed + 6) }),
    postUnderLocks(stop.signal, { poster, seats: cluster.seats, dice: new Dice(seed + 7) }),
    many.editUntil(stop.signal),
    locks.troubleUntil(stop.signal, new Dice(seed + 5)),
    workers.strayUntil(stop.signal, { dice: new Dice(seed + 3), everyMs: STRAY_EVERY_MS }),
  ]);
  work.catch(() => undefined); // a caller that waits for it gets the error
  try {
    await nemesis.rage(Date.now() + minutes * 60_000);
  } finally {
    stop.abort();
  }
  for (const { proxy } of cluster.seats) await proxy?.weather({ kind: 'normal' });
  for (const seat of cluster.seats) if (seat.process === null) await cluster.occupy(seat);
  // An order without an answer can only get one now.
  await work;
  await locks.end();
  await rest(QUIET_MS);
  return nemesis.records;
}
