// A claim from lanes that wait: a transaction behind the replica's gate, which also decides which of the runs still start.
import type { Incarnation, Membership } from '#cluster/membership/membership.js';
import type { Tx } from '#database/connection.js';
import { randomUUID } from '#database/runtime/uuid.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import type { Lane } from '#execution/runs/decisions/lane.js';
import { asId, type ClaimId } from '#kernel/ids.js';
import type { ClaimSettings } from './claim-settings.js';
import type { LaneDoor } from './lane-door.js';
import type { LaneScan } from './lane-scan.js';
import type { LaneToServe } from './lanes-to-serve.js';
import type { RunsElsewhere } from './runs-elsewhere.js';
import { withdrawClaims } from './strict/strict-claim.repository.js';
import { claimRuns, type TakenFromLane } from './claims/claim.repository.js';

/** Takes runs of a new claim back that are not to start, since an outage has come between; resolves with the others. */
export type StillToStart = (
  tx: Tx,
  claim: { claimId: ClaimId; runs: readonly ClaimedRun[]; databaseTimeMs: number },
) => Promise<readonly ClaimedRun[]>;

/** What is to be held. */
export interface Taken {
  runs: readonly ClaimedRun[];
  from: readonly (Lane & TakenFromLane & { quota: number })[];
  /** The database's time at which the runs were picked. */
  databaseTimeMs: number;
}

interface ClaimParts {
  membership: Membership;
  elsewhere: RunsElsewhere;
  scan: LaneScan;
  door: LaneDoor;
  settings: ClaimSettings;
  stillToStart: StillToStart;
}

export class ClaimTransaction {
  /**
   * Claims of keys with a strict order of which it is unknown whether they were committed. Another run of the key must
   * not begin beside what they name: if this replica died then, both would be lost, and only one of them blocks the key.
   */
  readonly #unsure = new Set<ClaimId>();

  constructor(private readonly parts: ClaimParts) {}

  forget(): void {
    this.#unsure.clear();
  }

  /** Null when nothing is to be held. */
  async take(
    incarnation: Incarnation,
    served: readonly LaneToServe[],
    { isStrict = false } = {},
  ): Promise<Taken | null> {
    const { membership, elsewhere, scan, door, settings, stillToStart } = this.parts;
    const lanes = served.flatMap((lane) => {
      const epoch = elsewhere.epochOf(lane.slot);
      return epoch === undefined ? [] : [{ ...lane, epoch, from: lane.after ?? scan.markOf(lane) }];
    });
    const { replica } = incarnation;
    const claimId = asId.claim(randomUUID());
    const { aheadMs } = settings;
    const request = { claimId, replica, lanes, excluded: door.inHand(lanes), aheadMs, isStrict };
    const unsure = isStrict ? [...this.#unsure] : [];
    const result = await membership.write(incarnation, async (tx) => {
      if (unsure.length > 0) await withdrawClaims(tx, { replica, claimIds: unsure });
      if (isStrict) this.#unsure.add(claimId);
      const claimed = await claimRuns(tx, request);
      const staying = await stillToStart(tx, { claimId, ...claimed });
      return { ...claimed, staying };
    });
    if (result.kind === 'fenced') return null;
    if (isStrict) this.#unsure.clear();
    const { runs, staying, taken, databaseTimeMs } = result.value;
    // What blocks a key may stand anywhere in its lane.
    if (!isStrict) scan.noteClaimed(lanes, taken);
    if (runs.length === 0 || membership.incarnation !== incarnation) return null;
    const from = lanes.map((lane, index) => ({ ...lane, ...(taken[index] ?? NOTHING) }));
    return { runs: staying, from, databaseTimeMs };
  }
}

const NOTHING: TakenFromLane = { count: 0, last: null };
