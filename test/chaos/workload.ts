// What work does the cluster have while things go wrong? Tenants with schedules that are due every few seconds, and
// runs posted through the API of whichever replica: some record themselves, some sleep, some call the harness, some
// fail first and some for good. Of each post the harness keeps what it was told: acknowledged, refused, or nothing
// that would tell.
import { randomUUID } from 'node:crypto';
import { setTimeout as rest } from 'node:timers/promises';
import type { Cluster, Seat } from './cluster.js';
import type { Dice } from './dice.js';

const TENANTS = 12;
const PENDING_POSTS_MAX = 40;

export interface Planned {
  readonly tenant: string;
  readonly name: string;
  readonly periodMs: number;
}

export interface Post {
  readonly key: string;
  readonly tenant: string;
  readonly jobType: string;
  readonly expected: 'succeeded' | 'dead-lettered';
  readonly postedAtMs: number;
  /** Refused: it certainly did not happen. Unknown: it may have. */
  outcome: 'acknowledged' | 'refused' | 'unknown';
  id: string | null;
  said: string;
}

interface Wish {
  readonly jobType: string;
  readonly payload: Record<string, unknown>;
  readonly expected: Post['expected'];
}

export const tenantName = (number: number): string => `tenant-${number}`;

/** Makes the tenants, their schedules and the job type `call`; answers with the schedules. */
export async function addTenants(
  cluster: Cluster,
  { seat, sinkUrl }: { seat: Seat; sinkUrl: string },
): Promise<Planned[]> {
  const make = async (path: string, body: object): Promise<void> => {
    const { status, body: said } = await cluster.call(seat, path, body);
    if (status !== 201) throw new Error(`expected 201 from ${path}, got ${status}: ${JSON.stringify(said)}`);
  };
  const planned: Planned[] = [];
  for (let number = 0; number < TENANTS; number += 1) {
    const tenant = tenantName(number);
    await make('/api/v1/tenants', { name: tenant });
    await make(`/api/v1/tenants/${tenant}/job-types`, {
      name: 'call',
      target: { kind: 'http', url: sinkUrl },
      retry: { maxAttempts: 100, minMs: 500, maxMs: 1_000 },
      timeoutMs: 15_000,
    });
    for (const { name, spec, periodMs } of schedulesOf(number)) {
      await make(`/api/v1/tenants/${tenant}/schedules`, {
        name,
        spec,
        jobType: 'record',
        payload: { number },
      });
      planned.push({ tenant, name, periodMs });
    }
  }
  return planned;
}

function schedulesOf(number: number): { name: string; spec: object; periodMs: number }[] {
  const everySecond = { name: `tick-${number}`, spec: { everySeconds: 1 }, periodMs: 1_000 };
  const seconds = [2, 3, 5][number];
  if (seconds !== undefined)
    return [
      everySecond,
      { name: `every-${seconds}`, spec: { everySeconds: seconds }, periodMs: seconds * 1_000 },
    ];
  if (number === 3)
    return [everySecond, { name: 'cron-10', spec: { cron: '*/10 * * * * *' }, periodMs: 10_000 }];
  return [everySecond];
}

export class Poster {
  readonly posts: Post[] = [];
  readonly #cluster: Cluster;
  readonly #dice: Dice;
  readonly #pending = new Set<Promise<unknown>>();

  constructor(cluster: Cluster, dice: Dice) {
    this.#cluster = cluster;
    this.#dice = dice;
  }

  /** Posts at about this rate until told to stop; resolves when the last answer, or none, has come. */
  async postUntil(stopped: AbortSignal, { perSecond }: { perSecond: number }): Promise<void> {
    while (!stopped.aborted) {
      await rest(this.#dice.between(200, 1_800) / perSecond);
      if (this.#pending.size >= PENDING_POSTS_MAX) continue;
      const seat = this.#dice.pick(this.#cluster.seats);
      const tenant = tenantName(this.#dice.between(0, TENANTS - 1));
      const posting = this.post(seat, { tenant, ...this.#wish() });
      this.#pending.add(posting);
      void posting.finally(() => this.#pending.delete(posting));
    }
    await Promise.all(this.#pending);
  }

  /** Never throws: what went wrong is part of the account. */
  async post(seat: Seat, { tenant, jobType, payload, expected }: Wish & { tenant: string }): Promise<Post> {
    const post: Post = {
      key: randomUUID(),
      tenant,
      jobType,
      expected,
      postedAtMs: Date.now(),
      outcome: 'unknown',
      id: null,
      said: '',
    };
    this.posts.push(post);
    try {
      const { status, body } = await this.#cluster.call(seat, `/api/v1/tenants/${tenant}/runs`, {
        jobType,
        payload: { ...payload, key: post.key },
      });
      post.said = `${status} ${JSON.stringify(body)?.slice(0, 300)}`;
      if (status === 201) {
        post.outcome = 'acknowledged';
        post.id = (body as { id: string }).id; // by the API's description
      } else if (status < 500) post.outcome = 'refused';
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      post.said = String(cause);
      if (cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED')
        post.outcome = 'refused';
    }
    return post;
  }

  #wish(): Wish {
    const draw = this.#dice.next();
    const ms = this.#dice.between(100, 3_000);
    if (draw < 0.45) return { jobType: 'record', payload: {}, expected: 'succeeded' };
    if (draw < 0.65) return { jobType: 'call', payload: { ms }, expected: 'succeeded' };
    if (draw < 0.8) return { jobType: 'sleep', payload: { ms }, expected: 'succeeded' };
    if (draw < 0.95) return { jobType: 'fail', payload: { times: 1 }, expected: 'succeeded' };
    return { jobType: 'fail', payload: {}, expected: 'dead-lettered' };
  }
}
