// Who is measured beside Carillon? Found by name, in the benchmark's process and in those of the workers.
import { sketchOverHttp } from '../sketch/over-http.js';
import { sketch } from '../sketch/sketch.js';
import { bullmq } from './bullmq.js';
import { graphileWorker } from './graphile-worker.js';
import type { Peer } from './peer.js';
import { pgBoss } from './pg-boss.js';

export const PEERS: readonly Peer[] = [pgBoss, graphileWorker, bullmq, sketch];

/** Beside them those that are only asked for one run at a time. */
export const ROLL: readonly Peer[] = [...PEERS, sketchOverHttp];
