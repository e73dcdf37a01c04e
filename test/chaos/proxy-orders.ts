// What can be ordered of a proxy, and what does it answer? One order at a time over the IPC channel; each is answered
// once it is in force, so that the one who gave it knows when the fault began.

/** A replica has two ways to the database: its control session, and its pools. */
export type Channel = 'session' | 'work';
export const CHANNELS: readonly Channel[] = ['session', 'work'];

export type Weather =
  | { kind: 'normal' }
  /** Each direction takes so much longer. */
  | { kind: 'delay'; ms: number }
  /** Connections are accepted and stay open, and nothing passes. What was sent arrives when the weather clears. */
  | { kind: 'blackhole' }
  /** One side's bytes are lost, the other's pass. What has lost bytes is cut when the weather clears. */
  | { kind: 'half-open'; deaf: 'server' | 'client' };

export type Order =
  | { kind: 'weather'; channels: readonly Channel[]; weather: Weather }
  /** Every connection is reset, once. */
  | { kind: 'cut'; channels: readonly Channel[] }
  /** Nothing passes on the connections that there are, for ever, and neither side is told; new ones go through. */
  | { kind: 'forget'; channels: readonly Channel[] }
  /**
   * The next answer whose command tag begins like this is swallowed and its connection cut: done, but who asked will
   * never hear of it. With `after`, only on a connection on which that text was sent since its last such answer.
   */
  | { kind: 'lose-answer'; channels: readonly Channel[]; tag: string; after?: string };

export interface NumberedOrder {
  readonly id: number;
  readonly order: Order;
}

export type Report =
  | { kind: 'listening'; ports: Record<Channel, number> }
  | { kind: 'obeyed'; id: number }
  | { kind: 'answer-lost'; channel: Channel; tag: string };
