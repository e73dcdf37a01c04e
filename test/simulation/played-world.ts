// Which world is being played? One at a time: what stands in for the driver, the clocks and chance is shared by
// the whole process, and asks here whose it is.
import type { World } from './world.js';

let played: World | null = null;

/** The world is the one on stage until the act has returned. */
export function inWorld<Value>(world: World, act: () => Value): Value {
  played = world;
  try {
    return act();
  } finally {
    played = null;
  }
}

export function worldOnStage(): World {
  if (played === null) throw new Error('expected a simulation to be running, found none');
  return played;
}
