// How do replicas wake each other? With hints, which are collected and sent together, no more often than the
// settings allow. Without hints each replica finds changes by polling, a little later. A hint names what changed:
// 'term' (an election may be worth a try), 'slots' (owners moved), 'plan' (a schedule is new or changed),
// 'work:3,17' (new runs in these slots), 'cancel' (a request wants runs cancelled), 'offers' (there is work for
// workers), 'awaited' (callers here wait for runs to end), 'ended' (some have), 'locks' (one was released).
import type { Clock } from '#kernel/clock.js';
import { asId, type ReplicaNumber, type Slot } from '#kernel/ids.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import { Topic } from '#kernel/topic.js';
import { afterHint, hintWaitMs } from './decisions/hint-pace.js';
import { notify } from '#cluster/hint.repository.js';
import type { Membership } from '#cluster/membership/membership.js';

export type Hint =
  /** With a number: that replica should lead next. */
  | { kind: 'term'; to?: ReplicaNumber }
  | { kind: 'slots' }
  | { kind: 'plan' }
  /** The rows of the runs say which. */
  | { kind: 'cancel' }
  | { kind: 'offers' }
  | { kind: 'awaited'; by: ReplicaNumber }
  | { kind: 'ended' }
  /** One that is waited for was released. With a number: who is next waits at that replica. */
  | { kind: 'locks'; to?: ReplicaNumber }
  | { kind: 'work'; slots: Slot[] };

const TOPICS = ['term', 'slots', 'plan', 'cancel', 'offers', 'ended', 'locks'] as const;
export const HINTS_PER_SECOND = 40;
/** For a released lock a caller waits right now. Such a hint may come so many times as often, and takes others along. */
const LOCKS_FASTER = 5;
/** Owners claim work that is due this soon, so it is hinted; their scan of each second finds what is due later. */
export const HINTED_AHEAD_MS = 1_500;
/** A payload may have 8,000 bytes; for more slots than this, "all slots" is shorter. */
const NAMED_SLOTS = 200;

export class HintsLoop implements Loop {
  readonly name = 'hints';
  readonly received = new Topic<Hint>();
  /** A hint waits to be sent. */
  readonly pending = new Topic<void>();
  readonly #topics = new Set<string>();
  readonly #work = new Set<Slot>();
  #spentUntilMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly membership: Membership,
    private readonly clock: Clock,
    /** Never more NOTIFYs than this in any second, but for locks; 0 sends none. */
    private readonly perSecond: number = HINTS_PER_SECOND,
  ) {}

  onHinted(payload: string): void {
    this.received.publish(parseHint(payload));
  }

  send(hint: Hint): void {
    // Other replicas find the change by polling; this one need not.
    if (this.perSecond === 0) return this.received.publish(hint);
    if (hint.kind === 'work') {
      for (const slot of hint.slots) this.#work.add(slot);
    } else this.#topics.add(topicOf(hint));
    this.pending.publish();
  }

  async runOnce(): Promise<number> {
    const db = this.membership.controlDb();
    const payloads = [...this.#topics, ...(this.#work.size > 0 ? [workPayload(this.#work)] : [])];
    if (payloads.length === 0 || db === null) return SLEEP_MS;
    const faster = payloads.some((payload) => payload.startsWith('locks')) ? LOCKS_FASTER : 1;
    const pace = { perSecond: this.perSecond * faster, spentUntilMs: this.#spentUntilMs };
    const nowMs = this.clock.monotonicMs();
    const waitMs = hintWaitMs(pace, nowMs);
    if (waitMs > 0) return waitMs;
    this.#spentUntilMs = afterHint(pace, nowMs);
    this.#topics.clear();
    this.#work.clear();
    await notify(db, payloads);
    return SLEEP_MS;
  }
}

function topicOf(hint: Exclude<Hint, { kind: 'work' }>): string {
  if (hint.kind === 'awaited') return `awaited:${hint.by}`;
  const isTo = (hint.kind === 'term' || hint.kind === 'locks') && hint.to !== undefined;
  return isTo ? `${hint.kind}:${hint.to}` : hint.kind;
}

function workPayload(slots: ReadonlySet<Slot>): string {
  return slots.size > NAMED_SLOTS ? 'work:' : `work:${[...slots].join(',')}`;
}

/** An empty list of slots means all of them; an unknown hint, perhaps of a newer release, means the same. */
export function parseHint(payload: string): Hint {
  const topic = TOPICS.find((kind) => kind === payload);
  if (topic !== undefined) return { kind: topic };
  const [, kind, to] = /^(term|locks):(\d{1,9})$/.exec(payload) ?? [];
  if (kind !== undefined) return { kind: kind === 'term' ? 'term' : 'locks', to: asId.replica(Number(to)) };
  const [, waiting] = /^awaited:(\d{1,9})$/.exec(payload) ?? [];
  if (waiting !== undefined) return { kind: 'awaited', by: asId.replica(Number(waiting)) };
  const [, list = ''] = /^work:(.*)$/.exec(payload) ?? [];
  const named = list.split(',').filter((part) => /^\d+$/.test(part));
  return { kind: 'work', slots: named.map((part) => Number(part) as Slot) }; // digits, by the filter above
}
