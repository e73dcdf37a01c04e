// Whose turn is it? That of the tenant that has used the least running time for its weight. Each tenant has a virtual
// time that grows by the time its runs take, divided by its weight. A start is charged with the recent average of the
// tenant's runs, and corrected when the run ends. A tenant that returns from idling starts at the present, with no
// credit for the time away. This is start-time fair queueing (Goyal, Vin, Cheng, SIGCOMM 1996) with an estimated cost,
// because the cost of a run is not known at its start.
import type { TenantId } from '#kernel/ids.js';
import TinyQueue from 'tinyqueue';

/** Claiming, starting and settling cost something, too: no run is cheaper than this. */
const COST_MIN_MS = 1;
/** How fast the estimate follows the time that runs really take. */
const LEARNING = 0.2;
/** How many accounts of tenants that were here once are kept. */
const ACCOUNTS_KEPT = 10_000;

interface Account {
  virtualMs: number;
  guessMs: number;
  /** Entries of the queue with another number are stale. */
  turn: number;
  waits: boolean;
  running: number;
}

interface Entry {
  tenantId: TenantId;
  virtualMs: number;
  turn: number;
}

export class TenantTurns {
  readonly #accounts = new Map<TenantId, Account>();
  readonly #queue = new TinyQueue<Entry>([], (a, b) => a.virtualMs - b.virtualMs || a.turn - b.turn);
  #nowMs = 0;
  #turns = 0;
  /** How many tenants wait, plus how many runs run. */
  #busy = 0;
  /** The furthest virtual time of any tenant. */
  #furthestMs = 0;
  #forgetAt = ACCOUNTS_KEPT;

  /** How many tenants have an account. */
  get known(): number {
    return this.#accounts.size;
  }

  /** The tenant has something to start. */
  enter(tenantId: TenantId): void {
    const account = this.#account(tenantId);
    if (account.waits) return;
    account.waits = true;
    this.#busy += 1;
    account.virtualMs = Math.max(account.virtualMs, this.#nowMs);
    this.#push(tenantId, account);
  }

  /** Takes the tenant whose turn it is out of the queue; it comes back by entering again. */
  take(): TenantId | undefined {
    for (let entry = this.#queue.pop(); entry !== undefined; entry = this.#queue.pop()) {
      const account = this.#accounts.get(entry.tenantId);
      if (account === undefined || !account.waits || account.turn !== entry.turn) continue;
      account.waits = false;
      this.#busy -= 1;
      return entry.tenantId;
    }
    return undefined;
  }

  /** Charges the tenant for the start of a run. Returns the charge in virtual milliseconds. */
  charge(tenantId: TenantId, weight: number): number {
    const account = this.#account(tenantId);
    this.#nowMs = Math.max(this.#nowMs, account.virtualMs);
    const charged = account.guessMs / weight;
    account.virtualMs += charged;
    account.running += 1;
    this.#busy += 1;
    return charged;
  }

  /** Corrects the charge of a run that has ended after this long. */
  correct(
    tenantId: TenantId,
    { charged, tookMs, weight }: { charged: number; tookMs: number; weight: number },
  ): void {
    const account = this.#accounts.get(tenantId);
    if (account === undefined) return;
    account.running -= 1;
    const cost = Math.max(COST_MIN_MS, tookMs);
    account.guessMs += LEARNING * (cost - account.guessMs);
    account.virtualMs += cost / weight - charged;
    this.#rebook(tenantId, account);
  }

  /** Refunds the charge of a run that has not started after all. */
  refund(tenantId: TenantId, charged: number): void {
    const account = this.#accounts.get(tenantId);
    if (account === undefined) return;
    account.running -= 1;
    account.virtualMs -= charged;
    this.#rebook(tenantId, account);
  }

  /** Once nothing waits and nothing runs, no tenant owes running time to another. */
  #rebook(tenantId: TenantId, account: Account): void {
    if (account.waits) this.#push(tenantId, account);
    this.#furthestMs = Math.max(this.#furthestMs, account.virtualMs);
    this.#busy -= 1;
    if (this.#busy === 0) this.#nowMs = Math.max(this.#nowMs, this.#furthestMs);
  }

  clear(): void {
    this.#accounts.clear();
    this.#queue.data.length = 0;
    this.#queue.length = 0;
    this.#nowMs = 0;
    this.#furthestMs = 0;
    this.#busy = 0;
  }

  /**
   * Drops idle accounts that are not ahead of virtual time: a new account starts at the same point and loses only its
   * cost estimate.
   */
  #forgetIdle(): void {
    for (const [tenantId, { waits, running, virtualMs }] of this.#accounts)
      if (!waits && running === 0 && virtualMs <= this.#nowMs) this.#accounts.delete(tenantId);
    this.#forgetAt = Math.max(ACCOUNTS_KEPT, 2 * this.#accounts.size);
  }

  #push(tenantId: TenantId, account: Account): void {
    account.turn = this.#turns += 1;
    this.#queue.push({ tenantId, virtualMs: account.virtualMs, turn: account.turn });
  }

  #account(tenantId: TenantId): Account {
    let account = this.#accounts.get(tenantId);
    if (account === undefined) {
      if (this.#accounts.size >= this.#forgetAt) this.#forgetIdle();
      account = { virtualMs: this.#nowMs, guessMs: COST_MIN_MS, turn: 0, waits: false, running: 0 };
      this.#accounts.set(tenantId, account);
    }
    return account;
  }
}
