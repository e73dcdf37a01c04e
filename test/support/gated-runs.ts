// How does a test hold attempts open, and drive their owner meanwhile?
import type { JobContext, JobHandlerFunction } from '#client/jobs/job-definition.js';
import type { startOwner } from './test-owner.js';
import { until } from './until.js';

type Owner = Awaited<ReturnType<typeof startOwner>>;

/** A handler whose attempts stay under way until they are let go. */
export function gated() {
  const inside: { context: JobContext; go: () => void }[] = [];
  let most = 0;
  const handle: JobHandlerFunction<unknown> = async (_job, context) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const one = { context, go: resolve };
    inside.push(one);
    most = Math.max(most, inside.length);
    await promise;
    inside.splice(inside.indexOf(one), 1);
    return context.locks;
  };
  return {
    handle,
    inside,
    most: () => most,
    letGo: () => inside[0]?.go(),
    tokens: () => inside.map(({ context: { locks } }) => locks),
  };
}

/** Passes of the owner until the state is there. */
export async function pass(
  owner: Owner,
  what: string,
  isThere: () => boolean | Promise<boolean>,
): Promise<void> {
  await until(what, async () => {
    await owner.start.runOnce();
    await owner.settleLoop.runOnce();
    await owner.runLocks.runOnce();
    return isThere();
  });
}
