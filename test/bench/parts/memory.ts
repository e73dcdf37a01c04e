// How much memory does a replica need? At rest, and at most while it empties a queue.
import { Carillon } from '../contestants/carillon.js';
import type { Figure } from '../figures.js';
import { memoryOf } from '../stand/processor-time.js';
import type { Part } from './part.js';

export const memory: Part = async ({ server, scale }) => {
  const carillon = await Carillon.open({ databaseUrl: await server.createDatabase('memory') });
  const atRest: number[] = [];
  const peak: number[] = [];
  try {
    for (let round = 1; round <= scale.rounds; round += 1) {
      await carillon.staff(1);
      atRest.push(...carillon.pids().map((pid) => memoryOf(pid).nowMb));
      await carillon.fill(scale.runs);
      await carillon.drain();
      peak.push(...carillon.pids().map((pid) => memoryOf(pid).peakMb));
      await carillon.clear();
      await carillon.dismiss();
    }
  } finally {
    await carillon.close();
  }
  const figure = (name: string, what: string, values: number[]): Figure => ({
    name,
    what,
    values,
    unit: 'MB',
  });
  return [
    figure('memory-at-rest', 'memory: a replica at rest', atRest),
    figure('memory-peak', `memory: a replica's peak, ${scale.runs} no-ops drained`, peak),
  ];
};
