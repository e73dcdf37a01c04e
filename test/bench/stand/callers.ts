// How are many callers played? Each asks again as soon as it has its answer, all of them until the time is up.

export interface Calls {
  readonly count: number;
  readonly tookMs: number;
  /** How long each took. */
  readonly timesMs: readonly number[];
}

export async function callFor(
  { callers, forMs }: { callers: number; forMs: number },
  call: (number: number) => Promise<unknown>,
): Promise<Calls> {
  const startMs = performance.now();
  const timesMs: number[] = [];
  let next = 0;
  const play = async (): Promise<void> => {
    while (performance.now() < startMs + forMs) {
      const askedMs = performance.now();
      await call(next++);
      timesMs.push(performance.now() - askedMs);
    }
  };
  await Promise.all(Array.from({ length: callers }, play));
  return { count: timesMs.length, tookMs: performance.now() - startMs, timesMs };
}
