// Did the cluster keep its word about what was posted? What it acknowledged must have come to the end that was asked
// for, what it refused must not exist, and what it never answered for may exist once.
import type { EndedRun, Evidence, OpenRun } from '../evidence.js';
import { UNDERWAY_MS } from './ledger-check.js';
import type { Post } from '../workload.js';

const FAILURES = 3;

/** I5; C2, C4. */
export function checkPosts(evidence: Evidence): string[] {
  const posted = new Map(evidence.posts.map((post) => [post.key, post]));
  const free = [...evidence.open, ...evidence.ended].filter(({ schedule }) => schedule === null);
  const byKey = Map.groupBy(free, ({ key }) => key ?? '');
  const unasked = free
    .filter(({ key }) => !posted.has(key ?? ''))
    .map(({ id }) => `C2: run ${id} was never asked for`);
  return [
    ...unasked,
    ...evidence.posts.flatMap((post) => checkPost(post, byKey.get(post.key) ?? [], evidence)),
  ];
}

function checkPost(post: Post, runs: readonly (OpenRun | EndedRun)[], { readAtMs }: Evidence): string[] {
  const [run] = runs;
  const name = `the ${post.jobType} run posted with key ${post.key}`;
  if (runs.length > 1)
    return [`C4: ${name} exists ${runs.length} times: ${runs.map(({ id }) => id).join(', ')}`];
  switch (post.outcome) {
    case 'refused':
      return run === undefined ? [] : [`C4: ${name} was refused (${post.said}), and exists as ${run.id}`];
    case 'unknown':
      return run === undefined ? [] : checkEnd(run, post, readAtMs);
    case 'acknowledged':
      if (run === undefined) return [`I5: run ${post.id} was acknowledged, and does not exist`];
      if (run.id !== post.id) return [`I5: ${name} was acknowledged as ${post.id}, and exists as ${run.id}`];
      return checkEnd(run, post, readAtMs);
  }
}

function checkEnd(run: OpenRun | EndedRun, post: Post, readAtMs: number): string[] {
  // The last posts, and what is tried again just now, are still on their way.
  const isUnderway = post.postedAtMs > readAtMs - 2 * UNDERWAY_MS || run.runAtMs > readAtMs - UNDERWAY_MS;
  if (!('outcome' in run))
    return isUnderway
      ? []
      : [
          `C11: the ${post.jobType} run ${run.id} has not ended, ${Math.round(readAtMs - run.runAtMs)} ms after it was due`,
        ];
  if (run.outcome !== post.expected)
    return [
      `I5: the ${post.jobType} run ${run.id} ended as ${run.outcome}, not ${post.expected}: ${JSON.stringify(run.error)}`,
    ];
  const failed =
    run.pastAttempts.filter(({ outcome }) => outcome === 'failed').length +
    (run.outcome === 'dead-lettered' ? 1 : 0);
  if (post.expected === 'dead-lettered' && failed !== FAILURES)
    return [`I2: run ${run.id} failed for good after ${failed} failures, not ${FAILURES}`];
  return [];
}
