// The locks that a job or a schedule names. They are checked where the job is defined, by the rules of the API's job types.

/** What is wanted of one lock. */
export interface LockWish {
  name: string;
  /** `exclusive` excludes every other hold, `shared` all but shared ones; `permits` takes some of a semaphore. */
  mode?: 'exclusive' | 'shared' | 'permits';
  /** Of a semaphore. Default: 1. */
  permits?: number;
}

const LOCKS_MAX = 20;
const PERMITS_MAX = 10_000;
const NAME = /^[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?$/;
const MODES = ['exclusive', 'shared', 'permits'] as const;
const FIELDS = ['name', 'mode', 'permits'];

/** With each default written out. */
export function wholeWishes(locks: readonly (string | LockWish)[]): Required<LockWish>[] {
  return locks.map((lock) => {
    const { name, mode = 'exclusive', permits = 1 } = typeof lock === 'string' ? { name: lock } : lock;
    return { name, mode, permits };
  });
}

/**
 * Throws TypeError. Nothing is assumed from the types: a definition may come from JavaScript. `place` names what the locks
 * are of, unless it is the job itself.
 */
export function checkLocks(given: unknown, place?: string): void {
  if (given === undefined) return;
  const of = place === undefined ? '' : ` of ${place}`;
  if (!Array.isArray(given) || given.length > LOCKS_MAX)
    refuse(`locks${of}`, `to be a list of at most ${LOCKS_MAX} locks`, given);
  const names = new Set<unknown>();
  for (const [index, lock] of (given as unknown[]).entries()) {
    const at = (field = ''): string => `locks[${index}]${field}${of}`;
    const wish: unknown = typeof lock === 'string' ? { name: lock } : lock;
    if (typeof wish !== 'object' || wish === null)
      refuse(at(), 'to be the name of a lock, or an object with it', lock);
    const { name } = checkWish(at, wish as Record<string, unknown>);
    if (names.has(name)) refuse(at('.name'), 'to be a lock that is not named before', name);
    names.add(name);
  }
}

function checkWish(at: (field: string) => string, wish: Record<string, unknown>): { name: string } {
  const other = Object.keys(wish).find((field) => !FIELDS.includes(field));
  if (other !== undefined)
    throw new TypeError(`expected no ${at(`.${other}`)}; there are ${FIELDS.join(', ')}`);
  const { name, mode = 'exclusive', permits = 1 } = wish;
  if (typeof name !== 'string' || !NAME.test(name))
    return refuse(
      at('.name'),
      'to be 1 to 100 lower-case letters, digits, dots, dashes or underscores, with a letter or digit at both ends',
      name,
    );
  if (!MODES.some((known) => known === mode)) refuse(at('.mode'), `to be one of ${MODES.join(', ')}`, mode);
  const most = mode === 'permits' ? PERMITS_MAX : 1;
  if (!Number.isInteger(permits) || Number(permits) < 1 || Number(permits) > most)
    refuse(at('.permits'), `to be 1, or with mode permits up to ${PERMITS_MAX}`, permits);
  return { name };
}

function refuse(option: string, expected: string, got: unknown): never {
  throw new TypeError(`expected ${option} ${expected}, got ${JSON.stringify(got) ?? String(got)}`);
}
