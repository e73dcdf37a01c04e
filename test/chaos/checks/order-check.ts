// Did runs of keys with a strict order start in their order through all faults? Once another run of its key has begun, a
// run must be over: so the attempts of two runs of a key, as they tell of themselves, never alternate. Which of two comes
// first is not asked, since posts through several replicas may be committed in another order than they were made.
import { isStrictKey } from '#kernel/keys/key-overlap.js';
import type { Evidence } from '../evidence.js';
import { spansOf, type Span } from './attempt-spans.js';

/** C16. */
export function checkOrder(evidence: Evidence): string[] {
  const spans = spansOf(evidence).filter(
    // What begins after it was given up can't be stopped, and nothing is promised of it.
    ({ run, fromMs, toMs }) => isStrictKey(run.concurrencyKey) && toMs > fromMs,
  );
  const byKey = Map.groupBy(spans, ({ run }) => `${run.tenant}/${run.jobType}/${run.concurrencyKey}`);
  return [...byKey].flatMap(([key, ofKey]) => alternating(key, ofKey));
}

export function alternating(key: string, spans: readonly Span[]): string[] {
  const left = new Set<string>();
  let latest: string | null = null;
  return spans
    .toSorted((a, b) => a.fromMs - b.fromMs)
    .flatMap(({ run, attempt, fromMs }) => {
      if (run.id === latest) return [];
      const before = latest;
      if (before !== null) left.add(before);
      latest = run.id;
      if (!left.has(run.id)) return [];
      return [
        `C16: of key ${key} run ${run.id} began attempt ${attempt} at ${fromMs}, after run ${before} had begun, which must come behind it`,
      ];
    });
}
