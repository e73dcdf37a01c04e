// A place in a JSON document, written as RFC 6901 has it. It is shown in errors, and names of fields are as long as
// callers make them: what is too long is cut, since an error that repeats it would be longer than the request.

const LENGTH_MAX = 500;
const HALF_CHARACTER = /[\uD800-\uDBFF]$/;

/** The whole document is the empty string. */
export function jsonPointer(path: readonly PropertyKey[]): string {
  return shortPlace(
    path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
  );
}

/** For a place of any form. */
export function shortPlace(place: string): string {
  return place.length > LENGTH_MAX ? `${place.slice(0, LENGTH_MAX).replace(HALF_CHARACTER, '')}…` : place;
}
