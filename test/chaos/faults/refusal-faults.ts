// What does a server refuse that is well? Statements are cancelled under way, rows find no room for a while, and the
// sessions of a replica are ended just when it takes them up again. None of it says anything about the work that was
// done.
import { setTimeout as rest } from 'node:timers/promises';
import { AFTER_SILENCE, type Blow, type FaultKind, type FaultLimits } from '../faults.js';

/** What is refused is tried again with pauses of up to two seconds, and beats are among it. */
const AFTER_REFUSALS: FaultLimits = { ...AFTER_SILENCE, latenessMs: 8_000 };
const LOOK_EVERY_MS = 50;

const cancelled: FaultKind = {
  name: 'statements-cancelled',
  death: 'may',
  from: 'heal',
  limits: AFTER_REFUSALS,
  async strike({ cluster, seat, witness, dice, note }) {
    const name = `carillon:${await cluster.numberOf(seat)}`;
    const untilMs = Date.now() + dice.between(2_000, 5_000);
    let count = 0;
    while (Date.now() < untilMs) {
      const found = await witness.ask(
        `select pg_cancel_backend(pid) from pg_stat_activity where application_name = $1 and state = 'active'`,
        [name],
      );
      count += found.length;
      await rest(LOOK_EVERY_MS);
    }
    note(`${count} cancelled`);
  },
};

/** Disk and memory run out for some rows and not for others, wherever ends are written. */
const noRoom: FaultKind = {
  name: 'no-room-for-ends',
  death: 'never',
  from: 'heal',
  limits: AFTER_REFUSALS,
  async strike({ cluster, witness, dice, alsoStrikes }) {
    for (const seat of cluster.seats) await alsoStrikes(seat);
    const code = dice.pick(['53100', '53200']);
    await witness.ask(
      `create or replace function public.chaos_no_room() returns trigger language plpgsql as $$ begin
         if random() < 0.1 then raise exception 'no room' using errcode = '${code}'; end if;
         return new; end $$`,
    );
    await witness.ask(
      'create trigger chaos_no_room before insert on carillon.run_history for each row execute function public.chaos_no_room()',
    );
    await rest(dice.between(2_000, 5_000));
    await witness.ask('drop function public.chaos_no_room cascade');
  },
};

const endedAgain: FaultKind = {
  name: 'sessions-ended-as-they-resume',
  death: 'may',
  from: 'heal',
  limits: AFTER_SILENCE,
  async strike(blow) {
    const untilMs = Date.now() + blow.dice.between(1_000, 3_000);
    let count = 0;
    while (Date.now() < untilMs) {
      count += await endYoung(blow);
      await rest(blow.dice.between(0, 20));
    }
    blow.note(`${count} sessions`);
  },
};

async function endYoung({ cluster, seat, witness }: Blow): Promise<number> {
  const ended = await witness.ask(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1`,
    [`carillon:${await cluster.numberOf(seat)}`],
  );
  return ended.length;
}

export const refusalFaults: readonly FaultKind[] = [cancelled, noRoom, endedAgain];
