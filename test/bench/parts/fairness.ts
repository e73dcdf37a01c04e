// Does one tenant's work leave the others alone, and do limits hold? What npm run bench:fairness asks, on the server of
// its own that it brings.
import { withFairnessBed } from '../fairness/bed.js';
import { PARTS } from '../fairness/parts.js';
import type { Figure } from '../figures.js';
import type { Part } from './part.js';

export const fairness: Part = async ({ scale }) => {
  const found = await withFairnessBed(
    async (bed) => {
      const figures = [];
      for (const part of Object.values(PARTS)) figures.push(...(await part(bed)));
      return figures;
    },
    { isQuick: scale.isQuick },
  );
  return found.map(({ name, what, value, unit, limit }): Figure => {
    const figure = { name, what: `fairness: ${what}`, values: [value], unit };
    return Number.isFinite(limit) ? { ...figure, limit: { atMost: limit } } : figure;
  });
};
