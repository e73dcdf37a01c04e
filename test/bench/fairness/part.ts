// What does a part of the measurement answer with?
import type { FairnessBed } from './bed.js';

export interface Figure {
  name: string;
  what: string;
  value: number;
  unit: string;
  limit: number;
}

export type Part = (bed: FairnessBed) => Promise<Figure[]>;
