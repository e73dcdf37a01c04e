// The paths of what a caller names.

/** Throws a TypeError for what can be no name or id; `what` says what it was to be. */
export function pathTo(place: string, name: unknown, what: string): string {
  // One of dots alone would lead to the path above.
  if (typeof name === 'string' && !/^\.*$/.test(name)) return `${place}/${encodeURIComponent(name)}`;
  throw new TypeError(
    `expected ${what}, got ${typeof name === 'string' ? name || 'an empty text' : typeof name}`,
  );
}
