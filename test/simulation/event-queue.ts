// What happens next? A binary heap of events by virtual time; of those at one instant the one that was
// added first. A cancelled event stays until its turn, and nothing happens then.

export interface SimEvent {
  readonly atMs: number;
  readonly order: number;
  act: (() => void) | null;
}

export class EventQueue {
  readonly #heap: SimEvent[] = [];
  #added = 0;

  add(atMs: number, act: () => void): SimEvent {
    const event: SimEvent = { atMs, order: (this.#added += 1), act };
    const heap = this.#heap;
    let place = heap.length;
    heap.push(event);
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !isBefore(event, parent)) break;
      heap[place] = parent;
      place = above;
    }
    heap[place] = event;
    return event;
  }

  /** The next event, taken out; undefined when nothing will ever happen again. */
  take(): SimEvent | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || first === last) return first;
    let place = 0;
    for (;;) {
      const left = heap[2 * place + 1];
      const right = heap[2 * place + 2];
      const useRight = right !== undefined && left !== undefined && isBefore(right, left);
      const child = useRight ? right : left;
      if (child === undefined || !isBefore(child, last)) break;
      heap[place] = child;
      place = 2 * place + (useRight ? 2 : 1);
    }
    heap[place] = last;
    return first;
  }
}

function isBefore(a: SimEvent, b: SimEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
