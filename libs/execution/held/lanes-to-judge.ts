// In which lanes may due runs have to end without a start, because another run of their key is running? In those whose
// key has a policy, when a run came to them, when a run of their key started in any lane, and when limits or the runs
// elsewhere were read anew. Lanes without a policy cost a look at a map when a run with a key starts, and nothing else.
import type { LaneRules } from '#execution/limits/decisions/lane-rules.js';
import type { TenantId } from '#kernel/ids.js';
import { PairMap } from '#kernel/pair-map.js';

interface KeyedLane {
  readonly tenantId: TenantId;
  /** What a limit counts its runs under; null if they have no concurrency key. */
  readonly key: string | null;
  rules: LaneRules;
}

export class LanesToJudge<Lane extends KeyedLane> {
  readonly #ofKey = new PairMap<TenantId, string, Set<Lane>>();
  readonly #toJudge = new Set<Lane>();

  /** A run came to the lane, or its rules were read. */
  note(lane: Lane): void {
    const { tenantId, key, rules } = lane;
    if (rules.overlap === undefined || key === null) return;
    this.#toJudge.add(lane);
    const known = this.#ofKey.get(tenantId, key);
    if (known === undefined) this.#ofKey.set(tenantId, key, new Set([lane]));
    else known.add(lane);
  }

  /** A run of the lane starts: others of its key may wait in this lane, and in those of other queues and policies. */
  started({ tenantId, key }: Lane): void {
    if (key === null) return;
    for (const lane of this.#ofKey.get(tenantId, key) ?? []) this.#toJudge.add(lane);
  }

  /** The lane has no runs any more. */
  forget(lane: Lane): void {
    const { tenantId, key } = lane;
    this.#toJudge.delete(lane);
    const known = key === null ? undefined : this.#ofKey.get(tenantId, key);
    if (key === null || known?.delete(lane) !== true || known.size > 0) return;
    this.#ofKey.delete(tenantId, key);
  }

  done(lane: Lane): void {
    this.#toJudge.delete(lane);
  }

  values(): Iterable<Lane> {
    return this.#toJudge.values();
  }

  clear(): void {
    this.#ofKey.clear();
    this.#toJudge.clear();
  }
}
