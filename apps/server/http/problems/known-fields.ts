// Keeps the names that a schema knows with its issues about unknown fields, where zod names the unknown ones alone.
// While zod makes an issue it passes the schema that raised it; its message stays as it is.
import { z } from 'zod';
import { nearName } from '#client/options/near-names.js';

z.config({
  customError: (issue) => {
    if (issue.code !== 'unrecognized_keys') return undefined;
    const known = issue.inst instanceof z.ZodObject ? Object.keys(issue.inst.shape) : [];
    Object.assign(issue, { known });
    return undefined;
  },
});

/** A suggestion when one of the known names is near, otherwise an empty text. */
export function fieldHint(field: string, issue: { known?: unknown }): string {
  const known = Array.isArray(issue.known) ? issue.known.map(String) : [];
  const meant = nearName(field, known);
  return meant === undefined ? '' : `; it is called ${meant}`;
}
