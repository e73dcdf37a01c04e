// What is a part of the benchmark? It opens whom it needs on the server, measures them in turn, tells what it sees while
// it goes, and answers with figures.
import type { Figure } from '../figures.js';
import type { BenchServer } from '../stand/server.js';

export interface Scale {
  readonly isQuick: boolean;
  readonly rounds: number;
  /** Queued no-ops that are drained. */
  readonly runs: number;
}

export interface Bench {
  readonly server: BenchServer;
  readonly scale: Scale;
  /** Prints a line at once. */
  readonly tell: (line: string) => void;
}

export type Part = (bench: Bench) => Promise<Figure[]>;
