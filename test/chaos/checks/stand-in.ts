// Which due time's run stands for one that passed in an outage? The schedules of the workload have the default policy of
// catching up: the latest due time runs, late, and those before it are folded into its run. So such a due time is as good
// as that run, and as late.
import type { Fire } from '../evidence.js';

/** The fires, each folded one with the outcome, the run and the start of the next one of its schedule that has a run. */
export function withStandIns(fires: readonly Fire[]): Fire[] {
  const ofSchedule = Map.groupBy(fires, ({ tenant, schedule }) => `${tenant}/${schedule}`);
  return [...ofSchedule.values()].flatMap((all) => {
    let next: Fire | null = null;
    const latestFirst = all
      .toSorted((a, b) => b.dueAtMs - a.dueAtMs)
      .map((fire): Fire => {
        if (fire.run !== null) next = fire;
        if (fire.outcome !== 'coalesced' || fire.reason !== 'outage' || next === null) return fire;
        const { outcome, run, startedAtMs } = next;
        return { ...fire, outcome, run, startedAtMs };
      });
    return latestFirst.toReversed();
  });
}
