// Which slots does this replica serve? Those whose row names it as owner and no other replica as target. A slot
// with a target is handed over: this process holds its gate alone, so none of its claims is in
// flight, and only then does the row change hands. Runs already claimed stay with it and are finished here.
import type { Slot } from '#kernel/ids.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import { Topic } from '#kernel/topic.js';
import { insertEvent } from '#cluster/cluster-event.repository.js';
import type { HintsLoop } from '#cluster/hints/hints-loop.js';
import type { Incarnation, Membership } from '#cluster/membership/membership.js';
import { handOver, listSlotsOf, type SlotOwnerRow } from './slot-owner.repository.js';

/** While slots are being handed over to this replica, it checks this often; a hint usually comes first. */
const EXPECTING_MS = 250;

export class OwnershipLoop implements Loop {
  readonly name = 'ownership';
  readonly changed = new Topic<void>();
  #serving: ReadonlyMap<Slot, number> = new Map();

  constructor(
    private readonly membership: Membership,
    private readonly hints: HintsLoop,
  ) {}

  onExpelled(): void {
    this.#serve([]);
  }

  /**
   * The slots to claim from, each with the epoch of its ownership: a slot that went away and came back has another
   * epoch. The map may be out of date; each claim checks the rows again.
   */
  get serving(): ReadonlyMap<Slot, number> {
    return this.#serving;
  }

  async runOnce(): Promise<number> {
    const incarnation = this.membership.trusted();
    if (incarnation === null) return SLEEP_MS;
    const rows = await listSlotsOf(incarnation.db, incarnation.replica);
    const owned = rows.filter((row) => row.owner === incarnation.replica);
    this.#serve(owned.filter((row) => row.target === null));
    await this.#handOver(
      incarnation,
      owned.filter((row) => row.target !== null),
    );
    return owned.length < rows.length ? EXPECTING_MS : SLEEP_MS;
  }

  /** Slots that this replica must still give away before it may leave. */
  async ownedSlots(incarnation: Incarnation): Promise<number> {
    const rows = await listSlotsOf(incarnation.db, incarnation.replica);
    return rows.filter((row) => row.owner === incarnation.replica).length;
  }

  #serve(rows: readonly SlotOwnerRow[]): void {
    const slots = new Map(rows.map((row) => [row.slot, row.epoch]));
    const same =
      slots.size === this.#serving.size && rows.every((row) => this.#serving.get(row.slot) === row.epoch);
    if (same) return;
    this.#serving = slots;
    this.changed.publish();
  }

  async #handOver(incarnation: Incarnation, leaving: readonly SlotOwnerRow[]): Promise<void> {
    if (leaving.length === 0) return;
    const result = await this.membership.writeAlone(incarnation, async (tx) => {
      const slots = await handOver(tx, { from: incarnation.replica, slots: leaving.map((row) => row.slot) });
      await insertEvent(tx, {
        type: 'slots-handed-over',
        replica: incarnation.replica,
        data: { slots: slots.length },
      });
    });
    if (result.kind === 'done') this.hints.send({ kind: 'slots' });
  }
}
