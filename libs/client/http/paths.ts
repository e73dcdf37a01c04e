// What stands in the path of a request: names, and the query behind them.

/** Throws a TypeError for what can be no name or id; `what` says what it was to be. */
export function pathTo(place: string, name: unknown, what: string): string {
  // One of dots alone would lead to the path above.
  if (typeof name === 'string' && !/^\.*$/.test(name)) return `${place}/${encodeURIComponent(name)}`;
  throw new TypeError(
    `expected ${what}, got ${typeof name === 'string' ? name || 'an empty text' : typeof name}`,
  );
}

/** With the parameters that are given, a list as several. */
export function withQuery(
  path: string,
  query: Readonly<Record<string, string | number | readonly string[] | undefined>>,
): string {
  const parameters = new URLSearchParams();
  for (const [name, given] of Object.entries(query))
    for (const value of [given ?? []].flat()) parameters.append(name, String(value));
  return parameters.size === 0 ? path : `${path}?${parameters.toString()}`;
}

/** Throws a TypeError for a Date that is none, which JSON would make a null of. */
export function instantText(what: string, instant: Date | string): string {
  if (typeof instant === 'string') return instant;
  if (instant instanceof Date && !Number.isNaN(instant.getTime())) return instant.toISOString();
  const got = instant instanceof Date ? 'an invalid Date' : typeof instant;
  throw new TypeError(`expected ${what} to be a Date or an instant in RFC 3339, got ${got}`);
}
