// When is a schedule due that has several specs? Whenever one of them is, and once where several are due together. A spec
// that remembers is asked again only once its last answer has passed: a rare one, whose next due time takes milliseconds
// to find, stands beside a frequent one and must not be searched again for each due time of the other.

export const SPECS_MIN = 2;
export const SPECS_MAX = 20;

/** The first due time strictly after the instant; null if there is none. */
export type NextDue = (after: Date) => Date | null;

export function firstOf(specs: readonly NextDue[]): NextDue {
  return (after) =>
    specs
      .map((next) => next(after))
      .reduce((first, dueAt) => (first === null || (dueAt !== null && dueAt < first) ? dueAt : first), null);
}

/** The same with a memory of its last answer. */
export function remembering(next: NextDue): NextDue {
  let known: { after: Date; dueAt: Date | null } | null = null;
  return (after) => {
    const holds = known !== null && after >= known.after && (known.dueAt === null || after < known.dueAt);
    const { dueAt } = known !== null && holds ? known : (known = { after, dueAt: next(after) });
    return dueAt;
  };
}
