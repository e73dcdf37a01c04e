// Which tenants have thousands of schedules while things go wrong, and change them all the time? Some with schedules of many
// kinds, of which an editor takes one after the other: other times, another payload, pauses, skips, deletions, new ones. It
// does not ask what came of an order that got no answer, or was refused since another schedule follows: in each case the
// audit of each schedule has to be clean, also of those that are gone.
import { setTimeout as rest } from 'node:timers/promises';
import type { Answer, Cluster, Seat } from '../cluster.js';
import type { Dice } from '../dice.js';
import { drawnSchedule, drawnTimes } from './mixture.js';

export const MANY = 'many-';
const TENANTS = 24;
const AT_ONCE = 4;
const EDIT_EVERY_MS = 200;

interface Held {
  readonly path: string;
  readonly id: string;
}

export class ManySchedules {
  /** Where each schedule is audited, also once it is deleted. */
  readonly audited: string[] = [];
  readonly #held: Held[] = [];
  readonly #cluster: Cluster;
  readonly #dice: Dice;

  constructor(cluster: Cluster, dice: Dice) {
    this.#cluster = cluster;
    this.#dice = dice;
  }

  async add(seat: Seat, count: number): Promise<void> {
    if (count === 0) return;
    for (let number = 0; number < TENANTS; number += 1)
      await this.#cluster.insist(seat, '/api/v1/tenants', { body: { name: `${MANY}${number}` } });
    let left = count;
    const makeSome = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await this.#make(seat);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, makeSome));
    if (this.audited.length < count)
      throw new Error(`expected ${count} schedules to be made, got ${this.audited.length}`);
  }

  async editUntil(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted && this.#held.length > 0) {
      await rest(EDIT_EVERY_MS);
      await this.#edit().catch(() => undefined); // a replica that is gone gives no answer
    }
  }

  /** Its payload makes the name: no two schedules share a name, and none has a name that was used before. */
  async #make(seat: Seat): Promise<void> {
    const tenant = `/api/v1/tenants/${MANY}${this.audited.length % TENANTS}`;
    const name = `s-${this.#dice.between(0, 2 ** 31)}-${this.audited.length}`;
    const { status, body } = await this.#cluster.call(seat, `${tenant}/schedules`, {
      name,
      ...drawnSchedule(this.#dice, this.#heldOf(tenant)),
    });
    if (status !== 201) return;
    const { id } = body as { id: string }; // by the API's description
    this.#held.push({ path: `${tenant}/schedules/${name}`, id });
    this.audited.push(`${tenant}/schedules/${id}`);
  }

  /** The name of one of the tenant's schedules. */
  #heldOf(tenant: string): string | undefined {
    const before = `${tenant}/schedules/`;
    const paths = this.#held.map(({ path }) => path).filter((path) => path.startsWith(before));
    return paths.length === 0 ? undefined : this.#dice.pick(paths).slice(before.length);
  }

  async #edit(): Promise<void> {
    const seat = this.#dice.pick(this.#cluster.seats);
    const at = this.#dice.between(0, this.#held.length - 1);
    const { path } = this.#held[at] ?? { path: '' };
    const draw = this.#dice.between(0, 99);
    if (draw < 25) return void (await this.#patch(seat, path, { ...PLAIN, ...drawnTimes(this.#dice) }));
    if (draw < 40) return void (await this.#patch(seat, path, { payload: { draw } }));
    if (draw < 55) return void (await this.#cluster.call(seat, `${path}:pause`, pauseOf(this.#dice)));
    if (draw < 70) return void (await this.#cluster.call(seat, `${path}:resume`, {}));
    if (draw < 85)
      return void (await this.#cluster.call(seat, `${path}:skipNext`, { count: this.#dice.between(1, 3) }));
    await this.#cluster.send(seat, path, { method: 'DELETE' });
    this.#held.splice(at, 1);
    await this.#make(seat);
  }

  #patch(seat: Seat, path: string, body: object): Promise<Answer> {
    return this.#cluster.send(seat, path, { method: 'PATCH', body });
  }
}

/** What a zone, or bounds, that were there before would make of other times. */
const PLAIN = { timeZone: null };

function pauseOf(dice: Dice): object {
  const until = new Date(Date.now() + dice.between(2_000, 40_000)).toISOString();
  return dice.next() < 0.5 ? { until } : {};
}
