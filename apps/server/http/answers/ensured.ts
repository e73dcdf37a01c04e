// A PUT makes a resource what its body says, whether it is there or not. It reads, compares and then writes on the
// revision that it has read; where another request came between, it does so again on what that one has made.
import { alreadyThere, isStar, revisionOf, staleRevision } from './etag.js';
import { notFound, ProblemError } from '../problems/problem.js';

/** With the body of so many others that come at once, one is first each time. */
const TRIES_MAX = 50;

export interface Conditions {
  ifMatch: string | undefined;
  ifNoneMatch: string | undefined;
}

export interface Ensuring<Resource extends { revision: number }> {
  /** What it is, for problems. */
  what: string;
  name: string;
  find: () => Promise<Resource | undefined>;
  /** Undefined when another request has made it meanwhile. */
  create: () => Promise<Resource | undefined>;
  isSame: (current: Resource) => boolean;
  /** Undefined when it is not at this revision any more. */
  replace: (current: Resource) => Promise<Resource | undefined>;
}

export interface Ensured<Resource> {
  kind: 'created' | 'changed' | 'same';
  resource: Resource;
}

/** Throws a problem when the conditions do not let it be made, or be replaced. */
export async function ensure<Resource extends { revision: number }>(
  { ifMatch, ifNoneMatch }: Conditions,
  ensuring: Ensuring<Resource>,
): Promise<Ensured<Resource>> {
  const { what, name, find, create, isSame, replace } = ensuring;
  const sent = ifMatch === undefined ? null : revisionOf(ifMatch);
  const onlyCreates = isStar(ifNoneMatch);
  for (let tried = 0; tried < TRIES_MAX; tried += 1) {
    const current = await find();
    if (current === undefined) {
      if (ifMatch !== undefined) throw notFound(what, name);
      const created = await create();
      if (created !== undefined) return { kind: 'created', resource: created };
      continue;
    }
    if (onlyCreates) throw alreadyThere(what, name, current.revision);
    if (sent !== null && sent !== current.revision) throw staleRevision({ current: current.revision, sent });
    if (isSame(current)) return { kind: 'same', resource: current };
    const changed = await replace(current);
    if (changed !== undefined) return { kind: 'changed', resource: changed };
  }
  throw new ProblemError(
    'request-in-progress',
    `expected no other change of the ${what} to come first, got one ${TRIES_MAX} times; send the request again`,
    { headers: { 'retry-after': '1' } },
  );
}
