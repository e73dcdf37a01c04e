// What is a simulated world? Virtual time, actors whose messages take a while, a database server, and one
// source of accidents. Nothing in it happens by itself: each step takes the next event of the queue.
import type { Actor } from './actor.js';
import type { Limits, Peer, Request } from './connection.js';
import { EventQueue, type SimEvent } from './event-queue.js';
import { SeededRandom } from './seeded-random.js';
import type { Session } from './session.js';
import { perform } from './stage.js';

/** So many lines of each kind are kept to be told when an invariant is broken. */
const LINES_KEPT = 40;

export class Violation extends Error {
  override readonly name = 'Violation';

  constructor(
    readonly invariant: string,
    readonly story: string,
  ) {
    super(`${invariant}: ${story}`);
  }
}

/** The server, as clients reach it. */
export interface DatabaseServer {
  wallMs(): number;
  admit(peer: Peer, applicationName: string, limits: Limits): Session | Error;
  receive(session: Session, request: Request): void;
  hangUp(session: Session): void;
}

interface Deferred {
  kind: 'timer' | 'message';
  act: () => void;
}

export class World {
  readonly random: SeededRandom;
  readonly #headlines: string[] = [];
  readonly #lines: string[] = [];
  readonly peers = new Set<Peer>();
  nowMs = 0;
  steps = 0;
  readonly #events = new EventQueue();
  readonly #asleep = new Map<Actor, Deferred[]>();
  readonly #undelivered = new Map<Actor | Peer, { peer: Peer; arrive: () => void }[]>();
  #violation: Violation | null = null;
  #server: DatabaseServer | null = null;
  #ids = 0;

  constructor(
    readonly seed: number,
    private readonly tracing: 'off' | 'last lines' | 'all',
    /** Invariants whose breach is not what this play is about. */
    private readonly overlooked: readonly string[] = [],
  ) {
    this.random = new SeededRandom(seed);
  }

  get server(): DatabaseServer {
    if (this.#server === null) throw new Error('expected the world to have a server by now');
    return this.#server;
  }

  set server(server: DatabaseServer) {
    this.#server = server;
  }

  /** Ids in the order in which they were made, like UUIDv7. */
  newId(prefix: string): string {
    this.#ids += 1;
    return `${prefix}-${String(this.#ids).padStart(5, '0')}`;
  }

  monotonicMs(actor: Actor): number {
    return actor.clockOffsetMs + this.nowMs * actor.clockRate;
  }

  /** Something that no actor does: the server's own doings, and accidents. */
  after(delayMs: number, act: () => void): SimEvent {
    return this.#events.add(this.nowMs + delayMs, act);
  }

  /** A timer on the actor's clock. Fires no earlier than after a millisecond, like Node's. */
  timer(actor: Actor, delayMs: number, act: () => void): SimEvent {
    return this.after(Math.max(1, delayMs) / actor.clockRate, () => this.#let(actor, { kind: 'timer', act }));
  }

  /** A message from the client to the server. It waits wherever its way is blocked. */
  send(peer: Peer, arrive: () => void): void {
    this.after(this.#travelMs(peer.actor), () => this.#pass(peer, arrive));
  }

  /** A message from the server to the client. */
  deliver(peer: Peer, act: () => void): void {
    this.send(peer, () => this.#let(peer.actor, { kind: 'message', act }));
  }

  thaw(actor: Actor): void {
    actor.isFrozen = false;
    this.expireQueries(actor);
    const deferred = this.#asleep.get(actor) ?? [];
    this.#asleep.delete(actor);
    // Node runs the timers that are due before it looks at its sockets.
    for (const kind of ['timer', 'message'] as const) {
      for (const { act } of deferred.filter((each) => each.kind === kind))
        this.after(0, () => this.#let(actor, { kind, act }));
    }
  }

  /** Queries whose answer has taken too long fail. */
  expireQueries(actor: Actor): void {
    const overdue = [...this.peers].filter((peer) => peer.actor === actor && peer.isOverdue());
    if (overdue.length > 0)
      this.#let(actor, { kind: 'timer', act: () => overdue.forEach((peer) => peer.expire()) });
  }

  reconnect(actor: Actor): void {
    actor.isCutOff = false;
    this.#passHeld(actor);
  }

  /** The other connections of its process go on working. */
  resume(peer: Peer): void {
    peer.isStalled = false;
    this.#passHeld(peer);
  }

  /** Takes steps until the instant has come, or throws what the world has come to. */
  playUntil(untilMs: number): void {
    const end = this.#events.add(untilMs, () => undefined);
    for (let event: SimEvent | undefined; event !== end;) {
      event = this.#events.take();
      if (event === undefined) return;
      this.nowMs = event.atMs;
      if (event.act === null) continue;
      this.steps += 1;
      event.act();
      if (this.#violation !== null) throw this.#violation;
    }
  }

  /** Noted, not thrown: where it is found, the program under test might catch it. */
  violate(invariant: string, story: string): void {
    if (this.overlooked.includes(invariant)) return;
    this.say(() => `*** ${invariant}: ${story}`);
    this.#violation ??= new Violation(invariant, story);
  }

  /** One line of the trace. It is put together only when it is read. */
  say(line: () => string): void {
    this.#write(this.#lines, line);
  }

  /** A line that helps to understand what comes long after it. */
  headline(line: () => string): void {
    this.#write(this.tracing === 'all' ? this.#lines : this.#headlines, line);
  }

  /** What was said: with 'last lines' the last headlines first. */
  get lines(): string[] {
    return this.#headlines.length === 0 ? this.#lines : [...this.#headlines, '', ...this.#lines];
  }

  #write(lines: string[], line: () => string): void {
    if (this.tracing === 'off') return;
    lines.push(`${this.nowMs.toFixed(1).padStart(9)} ms  ${line()}`);
    if (this.tracing === 'last lines' && lines.length > LINES_KEPT) lines.shift();
  }

  #let(actor: Actor, deferred: Deferred): void {
    if (actor.isGone) return;
    if (!actor.isFrozen) return perform(actor, deferred.act);
    const asleep = this.#asleep.get(actor);
    if (asleep === undefined) this.#asleep.set(actor, [deferred]);
    else asleep.push(deferred);
  }

  #pass(peer: Peer, arrive: () => void): void {
    if (!peer.actor.isCutOff && !peer.isStalled) return arrive();
    const obstacle = peer.actor.isCutOff ? peer.actor : peer;
    const held = this.#undelivered.get(obstacle);
    if (held === undefined) this.#undelivered.set(obstacle, [{ peer, arrive }]);
    else held.push({ peer, arrive });
  }

  #passHeld(obstacle: Actor | Peer): void {
    const held = this.#undelivered.get(obstacle) ?? [];
    this.#undelivered.delete(obstacle);
    for (const { peer, arrive } of held) this.send(peer, arrive);
  }

  #travelMs(actor: Actor): number {
    return this.random.between(0.05, 1.5) * actor.slowness;
  }
}
