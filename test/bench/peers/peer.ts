// What must a peer show to be measured? A queue that work is put into, and a worker that takes it. The queue is used
// by the benchmark's own process, each worker lives in a process of its own (peers/process.ts).

/** The same for every peer. `askedAtMs` is set where waiting is measured. */
export interface Payload {
  readonly number: number;
  readonly note: string;
  readonly askedAtMs?: number;
}

export function payloadOf(number: number, askedAtMs?: number): Payload {
  const payload = { number, note: 'nothing to be done' };
  return askedAtMs === undefined ? payload : { ...payload, askedAtMs };
}

export interface PeerQueue {
  /** One item in one call. */
  add(payload: Payload): Promise<unknown>;
  /** Many in one call, all or none. */
  addMany(payloads: readonly Payload[]): Promise<unknown>;
  /** Nothing waits, and nothing is under way. */
  isEmpty(): Promise<boolean>;
  /** Forgets what is done. */
  clear(): Promise<unknown>;
  close(): Promise<unknown>;
}

export interface PeerWorker {
  /** Takes and does what there is, until it is halted, and calls back at the start of each item. */
  begin(onRun: (payload: Payload) => void): Promise<void>;
  halt(): Promise<void>;
}

/** Which of how many processes this is. */
export interface Seat {
  readonly seat: number;
  readonly seats: number;
}

export interface Peer {
  readonly name: string;
  /** Makes its tables in an empty database. */
  migrate(url: string): Promise<void>;
  openQueue(url: string): Promise<PeerQueue>;
  openWorker(url: string, seat: Seat): Promise<PeerWorker>;
}
