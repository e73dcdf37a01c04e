// What is a simulated world? Virtual time, actors whose messages take a while, a database server, and one
// source of accidents. Nothing in it happens by itself: each step takes the next event of the queue.
import { EventQueue, type SimEvent } from './event-queue.js';
import { SeededRandom } from './seeded-random.js';
import { monotonicMsOf, perform, type Actor } from './stage.js';

/** The last so many lines are told when an invariant is broken. */
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

interface Deferred {
  kind: 'timer' | 'message';
  act: () => void;
}

export class World {
  readonly random: SeededRandom;
  readonly lines: string[] = [];
  nowMs = 0;
  steps = 0;
  readonly #events = new EventQueue();
  readonly #asleep = new Map<Actor, Deferred[]>();
  readonly #undelivered = new Map<Actor, (() => void)[]>();
  #violation: Violation | null = null;

  constructor(
    readonly seed: number,
    private readonly tracing: 'off' | 'last lines' | 'all',
  ) {
    this.random = new SeededRandom(seed);
  }

  monotonicMs(actor: Actor): number {
    return monotonicMsOf(actor, this.nowMs);
  }

  /** Something that no actor does: the server's own doings, and accidents. */
  after(delayMs: number, act: () => void): SimEvent {
    return this.#events.add(this.nowMs + delayMs, act);
  }

  /** A timer on the actor's clock. Fires no earlier than after a millisecond, like Node's. */
  timer(actor: Actor, delayMs: number, act: () => void): SimEvent {
    return this.after(Math.max(1, delayMs) / actor.clockRate, () => this.#let(actor, { kind: 'timer', act }));
  }

  /** A message from the actor to the server. Who is cut off keeps it until the way is free. */
  send(actor: Actor, arrive: () => void): void {
    this.after(this.#travelMs(actor), () => (actor.isCutOff ? this.#hold(actor, arrive) : arrive()));
  }

  /** A message from the server to the actor. */
  deliver(actor: Actor, act: () => void): void {
    const arrive = (): void => this.#let(actor, { kind: 'message', act });
    this.after(this.#travelMs(actor), () => (actor.isCutOff ? this.#hold(actor, arrive) : arrive()));
  }

  thaw(actor: Actor): void {
    actor.isFrozen = false;
    const deferred = this.#asleep.get(actor) ?? [];
    this.#asleep.delete(actor);
    // Node runs the timers that are due before it looks at its sockets.
    for (const kind of ['timer', 'message'] as const) {
      for (const { act } of deferred.filter((each) => each.kind === kind)) this.after(0, () => this.#let(actor, { kind, act }));
    }
  }

  reconnect(actor: Actor): void {
    actor.isCutOff = false;
    const held = this.#undelivered.get(actor) ?? [];
    this.#undelivered.delete(actor);
    for (const arrive of held) this.after(this.#travelMs(actor), arrive);
  }

  /** Takes steps until the instant has come, or throws what the world has come to. */
  playUntil(untilMs: number): void {
    let over = false;
    this.#events.add(untilMs, () => (over = true));
    while (!over) {
      const event = this.#events.take();
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
    this.say(() => `*** ${invariant}: ${story}`);
    this.#violation ??= new Violation(invariant, story);
  }

  /** One line of the trace. It is put together only when somebody wants to read it. */
  say(line: () => string): void {
    if (this.tracing === 'off') return;
    this.lines.push(`${this.nowMs.toFixed(1).padStart(9)} ms  ${line()}`);
    if (this.tracing === 'last lines' && this.lines.length > LINES_KEPT) this.lines.shift();
  }

  #let(actor: Actor, deferred: Deferred): void {
    if (actor.isGone) return;
    if (!actor.isFrozen) return perform(actor, deferred.act);
    const asleep = this.#asleep.get(actor);
    if (asleep === undefined) this.#asleep.set(actor, [deferred]);
    else asleep.push(deferred);
  }

  #hold(actor: Actor, arrive: () => void): void {
    const held = this.#undelivered.get(actor);
    if (held === undefined) this.#undelivered.set(actor, [arrive]);
    else held.push(arrive);
  }

  #travelMs(actor: Actor): number {
    return this.random.between(0.05, 1.5) * actor.slowness;
  }
}
