// What do the benchmark and the process of a peer's worker say to each other? One order at a time, each answered by the
// same word; and, while it works, what has been started since it last said.

export type Order = 'begin' | 'halt';

export type Word =
  | { readonly said: 'ready' }
  | { readonly said: Order }
  | {
      readonly said: 'started';
      readonly count: number;
      /** Since the epoch, of the first since 'begin'. */
      readonly firstAtMs: number;
      /** How long those waited that bore the instant at which they were asked for. */
      readonly waitsMs: readonly number[];
    };
