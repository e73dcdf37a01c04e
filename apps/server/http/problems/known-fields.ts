// Which fields would there have been, where one is unknown? zod tells of those that it does not know alone. While it
// makes an issue it shows the schema that raised it, whose names are kept with the issue from here on; its message stays
// as it is.
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

/** For an unknown field that is near to one of these, and nothing for others. */
export function fieldHint(field: string, issue: { known?: unknown }): string {
  const known = Array.isArray(issue.known) ? issue.known.map(String) : [];
  const meant = nearName(field, known);
  return meant === undefined ? '' : `; it is called ${meant}`;
}
