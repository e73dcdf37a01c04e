// Who pauses and suspends while things go wrong? An operator who pauses a queue of one tenant for some seconds, resumes
// it, suspends another tenant, and so on. What he was told is kept: between his answer, a moment for it to get round,
// and the next order nothing of it may start.
import { setTimeout as rest } from 'node:timers/promises';
import { until } from '../../support/until.js';
import type { Cluster } from '../cluster.js';
import type { Dice } from '../dice.js';
import { LIMITED_TENANTS, PAUSED_QUEUE } from './tenants.js';

export interface Standstill {
  readonly tenant: string;
  /** Null for all of them. */
  readonly queue: string | null;
  /** When the order was acknowledged. */
  readonly fromMs: number;
  /** When it was taken back. */
  readonly toMs: number;
}

const PAUSE_MS = { min: 5_000, max: 9_000 };
const BETWEEN_MS = { min: 3_000, max: 8_000 };
const ORDER_LIMIT_MS = 30_000;

export class Steering {
  readonly standstills: Standstill[] = [];
  readonly #cluster: Cluster;
  readonly #dice: Dice;

  constructor(cluster: Cluster, dice: Dice) {
    this.#cluster = cluster;
    this.#dice = dice;
  }

  /** Leaves nothing paused. */
  async steerUntil(stopped: AbortSignal): Promise<void> {
    const suspended = LIMITED_TENANTS.find(({ isSuspendedNowAndThen }) => isSuspendedNowAndThen);
    const others = LIMITED_TENANTS.filter((tenant) => tenant !== suspended);
    while (!stopped.aborted) {
      const { name } = this.#dice.pick(others);
      await this.standstill({ tenant: name, queue: PAUSED_QUEUE }, stopped);
      await this.#rest(BETWEEN_MS, stopped);
      if (suspended !== undefined) await this.standstill({ tenant: suspended.name, queue: null }, stopped);
      await this.#rest(BETWEEN_MS, stopped);
    }
  }

  async standstill(whose: Pick<Standstill, 'tenant' | 'queue'>, stopped: AbortSignal): Promise<void> {
    const tenant = `/api/v1/tenants/${whose.tenant}`;
    const path = whose.queue === null ? tenant : `${tenant}/queues/${whose.queue}`;
    await this.#order(`${path}:${whose.queue === null ? 'suspend' : 'pause'}`);
    const fromMs = Date.now();
    await this.#rest(PAUSE_MS, stopped);
    const toMs = Date.now();
    await this.#order(`${path}:resume`);
    this.standstills.push({ ...whose, fromMs, toMs });
  }

  /** Again and again, until one of the replicas says that it is so. */
  async #order(path: string): Promise<void> {
    await until(
      `${path} is acknowledged`,
      async () => {
        const seat = this.#dice.pick(this.#cluster.seats);
        const answer = await this.#cluster.call(seat, path, {}).catch(() => undefined);
        return answer?.status === 200;
      },
      ORDER_LIMIT_MS,
    );
  }

  async #rest({ min, max }: { min: number; max: number }, signal: AbortSignal): Promise<void> {
    await rest(this.#dice.between(min, max), undefined, { signal }).catch(() => undefined);
  }
}
