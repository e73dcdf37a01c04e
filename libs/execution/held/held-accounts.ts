// Counts what is held of each lane, job type and tenant. Each run keeps a reference to the account that counts it, so
// that counting needs no look-up.
import type { TenantId } from '#kernel/ids.js';
import { PairMap } from '#kernel/pair-map.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import {
  jobTypeOfLane,
  type Lane,
  type LanePosition,
  isBehind,
  type LaneName,
} from '#execution/runs/decisions/lane.js';

interface Account {
  held: number;
}

export interface LaneAccount extends Lane, Account {
  readonly tenant: Account;
  readonly jobType: Account;
  /** The position of the last run taken while any run of the lane was held; null when unknown. */
  furthest: LanePosition | null;
  /** A run of it that is held, or was while another one was, needs locks that came with it. */
  hasOwnLocks: boolean;
}

export class HeldAccounts {
  readonly #tenants = new Map<TenantId, Account>();
  readonly #jobTypes = new PairMap<TenantId, string, Account>();
  readonly #lanes = new PairMap<TenantId, string, LaneAccount>();

  /** The account of the run's lane, for a run that is held or about to be. */
  open({ tenantId, slot, lane, jobType }: ClaimedRun): LaneAccount {
    const known = this.#lanes.get(tenantId, lane);
    if (known !== undefined) return known;
    const ofTenant = this.#tenants.get(tenantId) ?? { held: 0 };
    const ofJobType = this.#jobTypes.get(tenantId, jobType) ?? { held: 0 };
    this.#tenants.set(tenantId, ofTenant);
    this.#jobTypes.set(tenantId, jobType, ofJobType);
    const parts = { tenant: ofTenant, jobType: ofJobType };
    const account = { tenantId, slot, lane, held: 0, furthest: null, hasOwnLocks: false, ...parts };
    this.#lanes.set(tenantId, lane, account);
    return account;
  }

  add(account: LaneAccount): void {
    account.held += 1;
    account.jobType.held += 1;
    account.tenant.held += 1;
  }

  remove(account: LaneAccount): void {
    const { tenantId, lane } = account;
    account.held -= 1;
    account.jobType.held -= 1;
    account.tenant.held -= 1;
    if (account.held === 0) this.#lanes.delete(tenantId, lane);
    if (account.jobType.held === 0) this.#jobTypes.delete(tenantId, jobTypeOfLane(lane));
    if (account.tenant.held === 0) this.#tenants.delete(tenantId);
  }

  find({ tenantId, lane }: LaneName): LaneAccount | undefined {
    return this.#lanes.get(tenantId, lane);
  }

  /** Records the position of the last run that a claim took from the lane. */
  noteFurthest(lane: LaneName, position: LanePosition): void {
    const account = this.find(lane);
    if (account === undefined) return;
    if (account.furthest === null || isBehind(position, account.furthest)) account.furthest = position;
  }

  /** The lane's account if runs held of it may stand behind this position; null is the head. */
  findBehind({ after, ...lane }: LaneName & { after: LanePosition | null }): LaneAccount | undefined {
    const account = this.find(lane);
    if (account === undefined || after === null || account.furthest === null) return account;
    return isBehind(account.furthest, after) ? account : undefined;
  }

  ofTenant(tenantId: TenantId): number {
    return this.#tenants.get(tenantId)?.held ?? 0;
  }

  ofJobType({ tenantId, lane }: LaneName): number {
    return this.#jobTypes.get(tenantId, jobTypeOfLane(lane))?.held ?? 0;
  }

  lanes(): Iterable<Lane> {
    return this.#lanes.values();
  }

  clear(): void {
    this.#tenants.clear();
    this.#jobTypes.clear();
    this.#lanes.clear();
  }
}
