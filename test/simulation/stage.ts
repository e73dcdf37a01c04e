// Who is acting right now? The program under test reads one clock and one source of randomness for the whole
// process; here several replicas share that process, so before any code of theirs runs, the stage says
// which one it is. What it started is finished, promise by promise, before anybody else comes on stage.
import type { World } from './world.js';

/** One simulated process: a replica's, or the one that calls the API. */
export interface Actor {
  readonly name: string;
  /** Its clock counts so many milliseconds in one of the world's. */
  readonly clockRate: number;
  readonly clockOffsetMs: number;
  wallOffsetMs: number;
  /** How many times longer its messages take. */
  slowness: number;
  isGone: boolean;
  isFrozen: boolean;
  isCutOff: boolean;
}

export const stage: { world: World | null; actor: Actor | null } = { world: null, actor: null };

export function worldOnStage(): World {
  if (stage.world === null) throw new Error('expected a simulation to be running, found none');
  return stage.world;
}

export function actorOnStage(): Actor {
  if (stage.actor === null) throw new Error('expected an actor on stage, found none: who reads a clock here?');
  return stage.actor;
}

export function monotonicMsOf(actor: Actor, worldMs: number): number {
  return actor.clockOffsetMs + worldMs * actor.clockRate;
}

// Runs all that waits for promises, now. Undocumented, but the only way to do it without going round Node's
// event loop, which costs five times as much for each of a simulation's thousand steps.
const runMicrotasks = (process as unknown as { _tickCallback: () => void })._tickCallback;

/** Lets the actor act, and what it began settle. Must not be called by an actor, nor from a promise. */
export function perform(actor: Actor, act: () => void): void {
  stage.actor = actor;
  try {
    act();
    runMicrotasks();
  } finally {
    stage.actor = null;
  }
}
