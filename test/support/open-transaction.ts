// A transaction that a test keeps open until it lets it go, and no longer than the test: one that a failed test left
// open would keep its locks, and the replica that leaves behind the test would wait for them.
import { onTestFinished } from 'vitest';

/** `act` calls `pause` when it has what it is to keep. Resolves then. */
export async function openTransaction<Value>(
  act: (pause: () => Promise<void>) => Promise<Value>,
): Promise<{ letGo: () => Promise<Value> }> {
  const [begun, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  onTestFinished(() => end.resolve());
  const done = act(() => {
    begun.resolve();
    return end.promise;
  });
  await Promise.race([begun.promise, done]);
  return { letGo: () => (end.resolve(), done) };
}
