// What is a control? One fence of the product that is taken away, and the moment and the violation that show it.
import type { Patch } from './patched-product.js';
import type { Plot } from './plot.js';

export interface Control {
  readonly name: string;
  readonly patches: readonly Patch[];
  /** What is also taken away in the broken one's database. */
  readonly sabotage?: string;
  readonly plot: Plot;
  /** The violation that shows it. With the product as it is, there must be none like it. */
  readonly caughtBy: RegExp;
}
