// Which moment shows that something which passes is taken for something that stays? For some seconds the server has no room
// for ends or for beats, or the way of a beat is cut until its replica has been declared dead. With the product as it is,
// each of them ends well.
import { setTimeout as rest } from 'node:timers/promises';
import { proxyOf } from '../cluster.js';
import { AFTER_SILENCE } from '../faults.js';
import type { Witness } from '../witness.js';
import { actors, DEADLY, fault, runUnderWay, untilDead, type Plot } from './plot.js';

/** What is refused is tried again with pauses of up to two seconds. */
const LIMITS = { limits: { ...AFTER_SILENCE, latenessMs: 8_000 } };
const AFTERMATH_MS = 7_000;
/** Shorter than a replica trusts itself after its last beat. */
const NO_ROOM_MS = 2_500;

/** There is room for a failure, and none for a success. */
export const noRoomForEnds: Plot = async (harness) => {
  const { follower } = await actors(harness);
  await runUnderWay(harness, follower, { jobType: 'sleep', ms: 1_500 });
  const full = await fault('no-room-for-ends', follower, {
    kind: LIMITS,
    act: () =>
      withoutRoom(
        harness.witness,
        "insert on carillon.run_history for each row when (new.outcome = 'succeeded')",
      ),
  });
  await rest(AFTERMATH_MS);
  return [full];
};

export const noRoomForBeats: Plot = async (harness) => {
  const { follower } = await actors(harness);
  const full = await fault('no-room-for-beats', follower, {
    kind: LIMITS,
    act: () =>
      withoutRoom(
        harness.witness,
        `update on carillon.heartbeat for each row when (new.replica = ${follower.number})`,
      ),
  });
  await rest(AFTERMATH_MS);
  return [full];
};

async function withoutRoom(witness: Witness, before: string): Promise<void> {
  await witness.ask(
    `create function chaos.no_room() returns trigger language plpgsql as $$
       begin raise exception 'no room' using errcode = '53100'; end $$`,
  );
  await witness.ask(`create trigger chaos_no_room before ${before} execute function chaos.no_room()`);
  await rest(NO_ROOM_MS);
  // Dropping the trigger would lock tables against those who write, and may be a deadlock with them.
  await witness.ask(
    'create or replace function chaos.no_room() returns trigger language plpgsql as $$ begin return new; end $$',
  );
}

/** Its beats don't arrive until it has been declared dead; then everything is as before. */
export const fencedOff: Plot = async (harness) => {
  const { follower } = await actors(harness);
  const silenced = await fault('control-blackhole', follower, {
    kind: DEADLY,
    act: async () => {
      await proxyOf(follower.seat).weather({ kind: 'blackhole' }, ['session']);
      await untilDead(harness, follower);
      await proxyOf(follower.seat).weather({ kind: 'normal' }, ['session']);
    },
  });
  await rest(AFTERMATH_MS);
  return [silenced];
};
