// Drops stray claims: claims of this replica that it knows nothing of. If the answer to a claim never came, its row
// keeps runs claimed that no replica will start. Every few seconds such claims are dropped; none of their runs was ever
// started.
import type { Membership } from '#cluster/membership/membership.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import type { HeldRuns } from '#execution/held/held-runs.js';
import { dropClaims, listOldClaims } from './stray-claim.repository.js';

/** Longer than a claim's statements may take, so that a claim still on its way is not mistaken for a stray one. */
const OLDER_THAN_MS = 15_000;

export class StrayClaimsLoop implements Loop {
  readonly name = 'stray-claims';

  constructor(
    private readonly membership: Membership,
    private readonly held: HeldRuns,
  ) {}

  async runOnce(): Promise<number> {
    const incarnation = this.membership.trusted();
    if (incarnation === null) return SLEEP_MS;
    const { replica, db } = incarnation;
    const old = await listOldClaims(db, { replica, olderThanMs: OLDER_THAN_MS });
    // Checked after the answer has come: a claim that was held while the statement ran is still known here.
    const claimIds = old.filter((id) => this.held.leftInClaim(id) === 0);
    if (claimIds.length > 0)
      await this.membership.write(incarnation, (tx) => dropClaims(tx, { replica, claimIds }));
    return SLEEP_MS;
  }
}
