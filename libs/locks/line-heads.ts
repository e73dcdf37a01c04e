// At whom is it worth looking, of the callers and runs that wait for locks? Only those near the head of their lines can be
// served next: however many stand behind them, a look costs the same.

import type { AcquireRequest, Look, Place } from './acquiring.repository.js';

/** Several of one line can be served together, by a shared lock or a semaphore. */
const HEADS_OF_A_LINE = 3;

interface Standing {
  request: Pick<AcquireRequest, 'tenantId' | 'wishes'>;
  ticket: number;
}

/** The places to look at; a caller that wants several locks stands in several lines with one ticket. */
export function headPlaces(standings: readonly Standing[]): Place[] {
  const taken = new Map<string, number>();
  const places: Place[] = [];
  for (const { request, ticket } of standings.toSorted((a, b) => a.ticket - b.ticket)) {
    if (Number.isNaN(ticket)) continue;
    const lines = request.wishes.map(({ name }) => ({ tenantId: request.tenantId, name, ticket }));
    const isHead = lines.some((line) => (taken.get(keyOf(line)) ?? 0) < HEADS_OF_A_LINE);
    for (const line of lines) {
      taken.set(keyOf(line), (taken.get(keyOf(line)) ?? 0) + 1);
      if (isHead) places.push(line);
    }
  }
  return places;
}

/** In how many of its lines each ticket is the next, with its lock free. */
export function readyTickets(looks: readonly Pick<Look, 'ticket' | 'isReady'>[]): Map<number, number> {
  const ready = new Map<number, number>();
  for (const { ticket, isReady } of looks) if (isReady) ready.set(ticket, (ready.get(ticket) ?? 0) + 1);
  return ready;
}

function keyOf({ tenantId, name }: Omit<Place, 'ticket'>): string {
  return `${tenantId}/${name}`;
}
