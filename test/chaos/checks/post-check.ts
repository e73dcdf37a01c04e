// Did the cluster keep its word about what was posted? What it acknowledged must have come to the end that was asked
// for, what it refused must not exist, and what it never answered for may exist once.
import type { EndedRun, Evidence, OpenRun } from '../evidence.js';
import { mayInterrupt, within } from './fault-windows.js';
import { UNDERWAY_MS } from './ledger-check.js';
import type { Post } from '../workload.js';

const FAILURES = 3;

/** Between the begin of a transaction and its look at the key. */
const BEGUN_MS = 1_000;

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
    ...checkUnique(evidence, posted),
  ];
}

/** A unique key is held from its run's creation to its end, by one run at a time. */
function checkUnique(evidence: Evidence, posted: ReadonlyMap<string, Post>): string[] {
  const { open, ended, posts, faults } = evidence;
  const nameOfKey = ({ tenant, unique }: Post): string => `${unique} of ${tenant}`;
  const holders = [...open, ...ended].flatMap((run) => {
    const post = posted.get(run.key ?? '');
    return post === undefined || post.unique === null ? [] : [{ run, name: nameOfKey(post) }];
  });
  const byId = new Map(holders.map(({ run, name }) => [run.id, name]));
  const wronglyTold = posts
    .filter((post) => post.outcome === 'deduplicated' && byId.get(post.id ?? '') !== nameOfKey(post))
    .map((post) => `I5: run ${post.id} was said to hold the unique key ${nameOfKey(post)}, and does not`);
  const endOf = (run: OpenRun | EndedRun): number =>
    'finishedAtMs' in run ? run.finishedAtMs : Number.POSITIVE_INFINITY;
  const atOnce = [...Map.groupBy(holders, ({ name }) => name)].flatMap(([name, all]) => {
    const sorted = all.map(({ run }) => run).toSorted((a, b) => a.createdAtMs - b.createdAtMs);
    return sorted.flatMap((run, index) =>
      sorted
        .slice(0, index)
        .filter((other) => endOf(other) > run.createdAtMs + BEGUN_MS)
        .filter(() => !within(faults, mayInterrupt, run.createdAtMs))
        .map((other) => `C4: runs ${other.id} and ${run.id} held the unique key ${name} at once`),
    );
  });
  return [...wronglyTold, ...atOnce];
}

function checkPost(post: Post, runs: readonly (OpenRun | EndedRun)[], { readAtMs }: Evidence): string[] {
  const [run] = runs;
  const name = `the ${post.jobType} run posted with key ${post.key}`;
  if (runs.length > 1)
    return [`C4: ${name} exists ${runs.length} times: ${runs.map(({ id }) => id).join(', ')}`];
  switch (post.outcome) {
    case 'refused':
      return run === undefined ? [] : [`C4: ${name} was refused (${post.said}), and exists as ${run.id}`];
    case 'deduplicated':
      return run === undefined ? [] : [`C4: ${name} was told to be run ${post.id}, and exists as ${run.id}`];
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
