// What goes wrong next? All kinds of fault are gone through in an order drawn from the seed, again and again, with
// pauses between them; now and then two strike at once. A pass through all kinds makes sure that a short run has seen
// most of them. Which replica is struck is drawn, too: half of the time the one that leads.
import { setTimeout as rest } from 'node:timers/promises';
import type { Seat } from './cluster.js';
import { Dice } from './dice.js';
import type { FaultKind, FaultRecord, Scene } from './faults.js';
import { leaveFaults } from './faults/leave-faults.js';
import { processFaults } from './faults/process-faults.js';
import { refusalFaults } from './faults/refusal-faults.js';
import { serverFaults } from './faults/server-faults.js';
import { wayFaults } from './faults/way-faults.js';

export const ALL_FAULTS: readonly FaultKind[] = [
  ...processFaults,
  ...wayFaults,
  ...serverFaults,
  ...refusalFaults,
  ...leaveFaults,
];

const PAUSE_MS = { min: 2_000, max: 10_000 };
/** Of each pass, so many faults come with another one beside them. */
const PAIRS_PER_PASS = 3;
/** These may strike beside another fault, on another seat. */
const COMPANIONS = new Set([
  'kill',
  'freeze-7s',
  'control-session-ended',
  'cut',
  'blackhole-7s',
  'commit-answer-lost',
]);
/** On a machine that does much else, a rolling restart takes its time. */
const STRIKE_LIMIT_MS = 180_000;

interface Step {
  readonly kinds: readonly FaultKind[];
  readonly strikesLeader: boolean;
  readonly turn: number;
  readonly seeds: readonly number[];
  readonly pauseMs: number;
}

export interface NemesisOptions {
  scene: Scene;
  dice: Dice;
  faults?: readonly FaultKind[];
  /** Between two faults; each is drawn unless one is given. */
  pauseMs?: number;
  log: (line: string) => void;
}

export class Nemesis {
  readonly records: FaultRecord[] = [];
  readonly #options: NemesisOptions;
  #steps: Step[] = [];

  constructor(options: NemesisOptions) {
    this.#options = options;
  }

  /** Resolves after the fault during which, or the pause at whose end, the time was up. */
  async rage(untilMs: number): Promise<void> {
    while (Date.now() < untilMs) {
      const step = this.#next();
      const seats = await this.#seats(step);
      await Promise.all(
        step.kinds.map((kind, index) => this.#strike(kind, required(seats[index]), step.seeds[index] ?? 0)),
      );
      await rest(Math.min(step.pauseMs, Math.max(0, untilMs - Date.now())));
    }
  }

  #next(): Step {
    if (this.#steps.length === 0) this.#steps = this.#pass();
    return required(this.#steps.shift());
  }

  #pass(): Step[] {
    const { dice, faults = ALL_FAULTS, pauseMs } = this.#options;
    const companions = dice.shuffled(faults.filter(({ name }) => COMPANIONS.has(name)));
    return dice.shuffled(faults).map((kind, index) => {
      const isPaired =
        kind.name !== 'rolling-restart' && index % Math.ceil(faults.length / PAIRS_PER_PASS) === 1;
      const companion = isPaired ? companions.pop() : undefined;
      return {
        kinds: companion === undefined || companion === kind ? [kind] : [kind, companion],
        strikesLeader: dice.next() < 0.5,
        turn: dice.between(0, 1_000),
        seeds: [dice.between(0, 2 ** 31), dice.between(0, 2 ** 31)],
        pauseMs: pauseMs ?? dice.between(PAUSE_MS.min, PAUSE_MS.max),
      };
    });
  }

  /** Whom to strike first, second and so on: the seats' own order, turned by the draw, or with the leader's in front. */
  async #seats({ turn, strikesLeader }: Step): Promise<Seat[]> {
    const { cluster } = this.#options.scene;
    const turned = cluster.seats.map((_, index) =>
      required(cluster.seats[(index + turn) % cluster.seats.length]),
    );
    const leader = strikesLeader ? await cluster.leader() : null;
    return leader === null ? turned : [leader, ...turned.filter((seat) => seat !== leader)];
  }

  async #strike(kind: FaultKind, drawn: Seat, seed: number): Promise<void> {
    const { scene, log } = this.#options;
    const { cluster } = scene;
    const record: FaultRecord = {
      kind,
      struck: [],
      startedAtMs: Date.now(),
      healedAtMs: Number.POSITIVE_INFINITY,
      notes: [],
    };
    const strikes = async (seat: Seat): Promise<void> => {
      if (record.struck.some((each) => each.seat === seat.name)) return;
      record.struck.push({
        seat: seat.name,
        replica: await cluster.numberOf(seat),
        led: (await cluster.leader()) === seat,
      });
    };
    await strikes(drawn);
    this.records.push(record);
    log(`strikes    ${kind.name} ${describeStruck(record)}`);
    record.startedAtMs = Date.now();
    const blow = {
      ...scene,
      seat: drawn,
      dice: new Dice(seed),
      alsoStrikes: strikes,
      note: (text: string) => void record.notes.push(text),
    };
    const limit = new AbortController();
    const late = rest(STRIKE_LIMIT_MS, undefined, { signal: limit.signal }).then(() => {
      throw new Error(`expected ${kind.name} to be over after ${STRIKE_LIMIT_MS} ms, got one that goes on`);
    });
    try {
      await Promise.race([kind.strike(blow), late]);
    } finally {
      limit.abort();
      await late.catch(() => undefined);
    }
    record.healedAtMs = Date.now();
    log(
      `is over    ${kind.name} after ${record.healedAtMs - record.startedAtMs} ms${record.notes.length > 0 ? `: ${record.notes.join(', ')}` : ''}`,
    );
  }
}

function describeStruck({ struck }: FaultRecord): string {
  return struck
    .map(({ seat, replica, led }) => `${seat} (replica ${replica ?? 'none'}${led ? ', leads' : ''})`)
    .join(', ');
}

function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('expected something to go on with, got nothing');
  return value;
}
