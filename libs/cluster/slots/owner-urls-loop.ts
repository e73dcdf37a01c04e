// Where are the other owners of slots reached by clients? Remembered for the answers to requests, which then cost no
// statement for it. It is read when slots have moved. What is remembered may be out of date, and any replica takes any
// request, so a wrong URL costs a client a detour and no more.
import type { Membership } from '#cluster/membership/membership.js';
import type { Slot } from '#kernel/ids.js';
import { ASKED_SLEEP_MS, SLEEP_MS, type Loop } from '#kernel/loop.js';
import { listPublicOwners } from './slot-owner.repository.js';

/** While slots are on their way to another owner; a hint usually comes first. */
const MOVING_MS = 1_000;

export class OwnerUrlsLoop implements Loop {
  readonly name = 'owner-urls';
  #urls: ReadonlyMap<Slot, string> = new Map();

  constructor(private readonly membership: Membership) {}

  /** Null where this replica owns the slot, can't know, or the owner has no public URL. */
  ofSlot(slot: Slot): string | null {
    return this.membership.trusted() === null ? null : (this.#urls.get(slot) ?? null);
  }

  async runOnce(): Promise<number> {
    const incarnation = this.membership.trusted();
    if (incarnation === null) return SLEEP_MS;
    const rows = await listPublicOwners(incarnation.db, { except: incarnation.replica });
    const staying = rows.filter((row) => !row.isLeaving);
    this.#urls = new Map(staying.map(({ slot, url }) => [slot, url]));
    return staying.length < rows.length ? MOVING_MS : ASKED_SLEEP_MS;
  }
}
