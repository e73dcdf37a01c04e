// When is a schedule due that lists its instants? At each of them, once. The list is kept sorted and without repetitions,
// so that finding the next of a thousand takes ten steps.

export const INSTANTS_MAX = 1_000;

/** In order, each once: a list that another program wrote may name an instant twice. */
export function inOrder(instants: readonly Date[]): Date[] {
  const times = new Set(instants.map((instant) => instant.getTime()));
  return [...times].toSorted((a, b) => a - b).map((ms) => new Date(ms));
}

export function isInOrder(instants: readonly Date[]): boolean {
  return instants.every((instant, index) => index === 0 || +instant > Number(instants[index - 1]));
}

/** The first of them strictly after the instant; null if there is none. */
export function nextInstant(instants: readonly Date[], after: Date): Date | null {
  let low = 0;
  let high = instants.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const reached = instants[middle];
    if (reached !== undefined && reached <= after) low = middle + 1;
    else high = middle;
  }
  return instants[low] ?? null;
}
