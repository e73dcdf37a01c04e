// Who acts in a simulated world? A process with a clock of its own, which accidents can befall.
export interface Actor {
  readonly name: string;
  /** Its clock counts so many milliseconds in one of the world's. */
  readonly clockRate: number;
  readonly clockOffsetMs: number;
  wallOffsetMs: number;
  /** How many times longer its messages take. */
  slowness: number;
  isGone: boolean;
  isFrozen: boolean;
  isCutOff: boolean;
}
