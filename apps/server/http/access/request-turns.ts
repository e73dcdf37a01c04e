// Whose request is next? Each tenant may have one request fewer under way than the replica's pool has connections, so
// one stays free for other tenants, however slow its own requests are. Further requests of the tenant wait in the
// order in which they came. A request that waits for anything but the database gives up its turn meanwhile.
import { Inject, Injectable } from '@nestjs/common';
import type { Response } from 'express';
import { DEFAULT_SHARES } from '#execution/limits/limits.js';
import { Remembered } from '#kernel/remembered.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import type { ServerConfig } from '../../settings/config.js';
import { CONFIG } from '../../tokens.js';
import { ProblemError } from '../problems/problem.js';
import { overShare, shareOfTenant } from './tenant-shares.js';

interface Line {
  active: number;
  waiting: Set<() => void>;
}

/** A request's place among those of its tenant. */
export interface Turn {
  /** Gives up the turn while `act` waits, and takes one again afterwards. */
  away<Result>(act: () => Promise<Result>): Promise<Result>;
  /** Gives up the turn for good; the rest of this request runs outside the line. */
  end(): void;
}

/** For a request that is not counted. */
export const FREE_TURN: Turn = { away: (act) => act(), end: () => undefined };

const KNOWN_MAX = 10_000;

@Injectable()
export class RequestTurns {
  readonly #lines = new Map<string, Line>();
  /** Limits of the tenants that do not have the default. */
  readonly #maxOf = new Remembered<string, number>({ max: KNOWN_MAX });
  readonly #atOnce: number;

  constructor(@Inject(CONFIG) config: Pick<ServerConfig, 'CARILLON_API_CONNECTIONS'>) {
    this.#atOnce = Math.max(1, config.CARILLON_API_CONNECTIONS - 1);
  }

  /**
   * Resolves when the request has its turn, which ends with the response. Throws a problem when too many wait
   * already.
   */
  async take(key: string, response: Pick<Response, 'once' | 'closed'>): Promise<Turn> {
    const { active, waiting } = this.#lineOf(key);
    const max = this.#maxOf.get(key) ?? DEFAULT_SHARES.maxRequests;
    const current = active + waiting.size;
    if (current >= max) throw overShare('maxRequests', { max, current, retryAfterSeconds: 1 });
    let isActive = false;
    const leave = (): void => {
      if (isActive) this.#leave(key);
      isActive = false;
    };
    const enter = async (): Promise<void> => {
      if (!response.closed) {
        await this.#enter(key);
        isActive = true;
        if (!response.closed) return;
        // It was closed while it waited in line, so no 'close' would end its turn.
        leave();
      }
      throw new ProblemError(
        'bad-request',
        'expected the caller to wait for the answer, got a closed connection',
      );
    };
    response.once('close', leave);
    await enter();
    return {
      away: async (act) => {
        leave();
        try {
          return await act();
        } finally {
          await enter();
        }
      },
      end: leave,
    };
  }

  /** Records the limit of a tenant that was just read. */
  note(key: string, tenant: Pick<Tenant, 'limits'>): void {
    const max = shareOfTenant(tenant, 'maxRequests');
    if (max === DEFAULT_SHARES.maxRequests) return this.#maxOf.delete(key);
    this.#maxOf.set(key, max);
  }

  async #enter(key: string): Promise<void> {
    const line = this.#lineOf(key);
    if (line.active < this.#atOnce) {
      line.active += 1;
      return;
    }
    await new Promise<void>((resolve) => line.waiting.add(resolve));
  }

  #leave(key: string): void {
    const line = this.#lineOf(key);
    const [next] = line.waiting;
    if (next !== undefined) {
      line.waiting.delete(next);
      return next(); // takes over the place
    }
    line.active -= 1;
    if (line.active === 0) this.#lines.delete(key);
  }

  #lineOf(key: string): Line {
    const line = this.#lines.get(key) ?? { active: 0, waiting: new Set() };
    this.#lines.set(key, line);
    return line;
  }
}
