// Which replica is asked next? The one that serves the tenant, if a replica has named it; otherwise one of those that were
// configured, until it fails, then the next. A tenant lives in one slot, so a client of one tenant remembers one owner.
// The key of the tenant goes along with each request: an answer can choose among places that its caller has listed, and
// leads nowhere else.

/** Of two URLs that lead to the same place; paths are added to it. */
export function baseOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname.replace(/\/+$/, '');
}

const NAMINGS_UNHEARD = 100;

export class ReplicaChoice {
  #turn = 0;
  #owner: string | null = null;
  /** An owner that can't be reached from here, and how often it may be named before it is tried again. */
  #unreached: { base: string; namings: number } | null = null;

  constructor(
    private readonly bases: readonly string[],
    /** More places to which the key may go. */
    private readonly origins: ReadonlySet<string>,
  ) {}

  /** Null when each has been tried. */
  next(tried: ReadonlySet<string>): string | null {
    const { bases } = this;
    const inTurn = bases.map((_, place) => bases[(this.#turn + place) % bases.length] ?? '');
    const candidates = this.#owner === null ? inTurn : [this.#owner, ...inTurn];
    return candidates.find((base) => !tried.has(base)) ?? null;
  }

  /** Calls that fail together move to the next replica once. */
  failed(base: string): void {
    if (this.#owner === base) {
      this.#owner = null;
      this.#unreached = { base, namings: NAMINGS_UNHEARD };
    }
    if (this.bases[this.#turn % this.bases.length] === base) this.#turn += 1;
  }

  /** What an answer says: the URL of the tenant's owner. */
  named(url: string): void {
    if (!URL.canParse(url)) return;
    const { protocol, origin } = new URL(url);
    // The origin of a blob's URL is that of another URL within.
    if (protocol !== 'https:' && protocol !== 'http:') return;
    const base = baseOf(url);
    if (this.#unreached?.base === base && (this.#unreached.namings -= 1) > 0) return;
    if (this.bases.includes(base) || this.origins.has(origin)) this.#owner = base;
  }
}
