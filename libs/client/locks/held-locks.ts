// What has a process that holds locks? Its tokens, and a signal. The hold renews itself at a third of its lease. It trusts
// itself only until the lease of the last renewal that was answered, counted on the monotonic clock from before that
// request was sent, less a margin: then it aborts the signal, whether or not the server says so. A process that was
// frozen aborts it as soon as it wakes; what it sends before that is refused by who checks the token.
import { CallFailed, type CallWorkerApi } from '#client/worker/worker-calls.js';
import { LockLost } from './lock-errors.js';

export interface Hold {
  name: string;
  token: number;
}

/** Locks that this process holds, all acquired together. */
export interface HeldLocks {
  /** Of the first of them, which is the only one as a rule: larger than every earlier holder's. */
  readonly token: number;
  /** By the locks' names. */
  readonly tokens: Readonly<Record<string, number>>;
  /** Aborted, with a LockLost, as soon as it is no longer sure that they are held. */
  readonly signal: AbortSignal;
  /** Whether it is sure at this moment. A timer comes late where the process was busy; this does not. */
  readonly isHeld: () => boolean;
  /** Resolves when others can have them. Never rejects: what can't be released ends with its lease. */
  readonly release: () => Promise<void>;
}

export interface HoldOptions {
  leaseSeconds: number;
  onError: (error: Error) => void;
}

const RENEWED_AFTER = 1 / 3;
/** For the way of a renewal's answer, and for what the handler does with the signal. */
const MARGIN = 0.1;
const MARGIN_MAX_MS = 2_000;

export class RenewedLocks implements HeldLocks {
  readonly tokens: Readonly<Record<string, number>>;
  readonly token: number;
  readonly #controller = new AbortController();
  readonly #calls = new AbortController();
  readonly #leaseMs: number;
  #sureUntilMs = 0;
  #renewal: NodeJS.Timeout | undefined;
  #end: NodeJS.Timeout | undefined;
  #isOver = false;
  #isReleased = false;

  constructor(
    private readonly call: CallWorkerApi,
    private readonly holds: readonly Hold[],
    private readonly options: HoldOptions,
  ) {
    this.tokens = Object.fromEntries(holds.map(({ name, token }) => [name, token]));
    this.token = holds[0]?.token ?? 0;
    this.#leaseMs = options.leaseSeconds * 1_000;
  }

  /**
   * `askedAtMs` is when the request was sent that acquired them; null where that says nothing, so that they are renewed
   * first. Resolves with whether they are held.
   */
  async begin(askedAtMs: number | null): Promise<boolean> {
    if (askedAtMs === null) await this.#renew();
    else {
      this.#trustFrom(askedAtMs);
      this.#renewLater(this.#leaseMs * RENEWED_AFTER);
    }
    return this.isHeld();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  readonly isHeld = (): boolean => {
    if (!this.#isOver && performance.now() >= this.#sureUntilMs)
      this.#lose(`expected ${this.#names} to be held, got doubt: no renewal was answered in time`);
    return !this.#isOver;
  };

  readonly release = async (): Promise<void> => {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#over();
    // After a doubt, too: the lease may be there, and the work is over now.
    await Promise.all(
      this.holds.map(({ name, token }) =>
        this.call({ path: `/${name}:release`, body: { token }, signal: AbortSignal.timeout(5_000) }).catch(
          (error: unknown) => {
            if (!isLost(error)) this.#report(error);
          },
        ),
      ),
    );
  };

  #trustFrom(askedAtMs: number): void {
    this.#sureUntilMs = askedAtMs + this.#leaseMs - Math.min(MARGIN_MAX_MS, this.#leaseMs * MARGIN);
    clearTimeout(this.#end);
    // A timer may come up to a millisecond early, and would find that all is well.
    const leftMs = Math.max(0, this.#sureUntilMs - performance.now()) + 1;
    this.#end = setTimeout(this.isHeld, Math.ceil(leftMs));
  }

  #renewLater(ms: number): void {
    this.#renewal = setTimeout(() => void this.#renew(), ms);
  }

  async #renew(): Promise<void> {
    const askedAtMs = performance.now();
    const { leaseSeconds } = this.options;
    try {
      await Promise.all(
        this.holds.map(({ name, token }) =>
          this.call({
            path: `/${name}:renew`,
            body: { token, leaseSeconds },
            signal: this.#calls.signal,
            // Another replica is asked while there is still time.
            limitMs: this.#leaseMs * RENEWED_AFTER,
          }),
        ),
      );
      if (this.#isOver) return;
      this.#trustFrom(askedAtMs);
      this.#renewLater(this.#leaseMs * RENEWED_AFTER);
    } catch (error) {
      if (this.#isOver) return;
      this.#report(error);
      if (isLost(error)) this.#lose(String(error.problem['detail']));
      else this.#renewLater(Math.min(1_000, this.#leaseMs / 20));
    }
  }

  #lose(message: string): void {
    if (this.#isOver) return;
    this.#over();
    this.#controller.abort(new LockLost(message));
  }

  get #names(): string {
    return this.holds.map(({ name }) => name).join(', ');
  }

  #over(): void {
    this.#isOver = true;
    this.#calls.abort();
    clearTimeout(this.#renewal);
    clearTimeout(this.#end);
  }

  #report(error: unknown): void {
    this.options.onError(error instanceof Error ? error : new Error(String(error)));
  }
}

function isLost(error: unknown): error is CallFailed {
  return error instanceof CallFailed && error.problem['code'] === 'LOCK_LOST';
}
