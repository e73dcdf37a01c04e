// When does a zone's clock change, and how far is it from UTC before and after? Asking the runtime takes two microseconds
// an answer, more than all else about a due time. So time is cut into blocks of 32 days. The changes within a block are
// looked for once, at the first question about it, and kept. Nothing here knows the runtime: how far a zone is from UTC is
// asked of a function, so that tests can let a zone's rules change.

export interface ZoneChanges {
  /** The difference between wall time and UTC at an instant. */
  offsetMs: (atMs: number) => number;
  /** The first change after one instant, up to and including another. */
  firstChange: (span: { afterMs: number; throughMs: number }) => number | null;
}

/** Where an offset begins to hold. */
interface Change {
  atMs: number;
  offset: number;
}

interface Block {
  /** At its beginning. */
  offset: number;
  changes: readonly Change[];
}

const SECOND_MS = 1_000;
/** A week could hide two changes that cancel out (America/Boa_Vista in October 2000); two days can't. */
const STEP_MS = 2 * 86_400_000;
const BLOCK_STEPS = 16;
const BLOCK_MS = STEP_MS * BLOCK_STEPS;

/** Five years. When there are more, all are dropped: a planner stays near the present. */
const BLOCKS_MAX = 60;

export function zoneChanges(askOffset: (atMs: number) => number): ZoneChanges {
  const blocks = new Map<number, Block>();
  const blockAt = (number: number): Block => {
    const known = blocks.get(number);
    if (known !== undefined) return known;
    if (blocks.size >= BLOCKS_MAX) blocks.clear();
    const read = readBlock(askOffset, number * BLOCK_MS);
    blocks.set(number, read);
    return read;
  };
  const offsetMs = (atMs: number): number => {
    const { offset, changes } = blockAt(Math.floor(atMs / BLOCK_MS));
    if (changes.length === 0) return offset;
    return changes.findLast((change) => change.atMs <= atMs)?.offset ?? offset;
  };
  const firstChange = ({ afterMs, throughMs }: { afterMs: number; throughMs: number }): number | null => {
    const last = Math.floor(throughMs / BLOCK_MS);
    for (let number = Math.floor(afterMs / BLOCK_MS); number <= last; number += 1) {
      const { changes } = blockAt(number);
      if (changes.length === 0) continue;
      const first = changes.find(({ atMs }) => atMs > afterMs);
      if (first !== undefined) return first.atMs <= throughMs ? first.atMs : null;
    }
    return null;
  };
  return { offsetMs, firstChange };
}

/** Its changes, that at its very end left out, which is the next block's beginning. */
function readBlock(askOffset: (atMs: number) => number, fromMs: number): Block {
  const changes: Change[] = [];
  const first = askOffset(fromMs - SECOND_MS);
  let offset = first;
  let lowMs = fromMs - SECOND_MS;
  for (let step = 1; step <= BLOCK_STEPS; step += 1) {
    // The last second of the step: a change at the block's end belongs to the next one.
    const highMs = fromMs + step * STEP_MS - SECOND_MS;
    const after = askOffset(highMs);
    if (after !== offset) {
      changes.push({ atMs: bisect(askOffset, { lowMs, highMs, before: offset }), offset: after });
      offset = after;
    }
    lowMs = highMs;
  }
  return { offset: first, changes };
}

/** The first instant with another offset than before. Changes happen on whole seconds, and blocks begin on one. */
function bisect(
  askOffset: (atMs: number) => number,
  { lowMs, highMs, before }: { lowMs: number; highMs: number; before: number },
): number {
  let [low, high] = [lowMs / SECOND_MS, highMs / SECOND_MS];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (askOffset(middle * SECOND_MS) === before) low = middle;
    else high = middle;
  }
  return high * SECOND_MS;
}
