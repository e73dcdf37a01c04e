// Which replica is asked next? The one that serves the tenant, if a replica has named it; otherwise one of those that were
// configured, until it fails, then the next. A tenant lives in one slot, so a client of one tenant remembers one owner.
// The key of the tenant goes along with each request: an answer can choose among places that its caller has listed, and
// leads nowhere else.

/** Of two URLs that lead to the same place; paths are added to it. */
export function baseOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname.replace(/\/+$/, '');
}

export class ReplicaChoice {
  #turn = 0;
  #owner: string | null = null;

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
    if (this.#owner === base) this.#owner = null;
    if (this.bases[this.#turn % this.bases.length] === base) this.#turn += 1;
  }

  /** What an answer says: the URL of the tenant's owner. */
  named(url: string): void {
    if (!URL.canParse(url)) return;
    const base = baseOf(url);
    if (this.bases.includes(base) || this.origins.has(new URL(url).origin)) this.#owner = base;
  }
}
