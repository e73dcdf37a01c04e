// What work does the cluster have while things go wrong? Tenants with schedules that are due every few seconds, and
// runs posted through the API of whichever replica: some record themselves, some sleep, some call the harness, some
// fail first and some for good. Beside them come those of the limited tenants (limited/). Of each post the harness keeps
// what it was told: acknowledged, refused, or nothing that would tell.
import { randomUUID } from 'node:crypto';
import { setTimeout as rest } from 'node:timers/promises';
import type { Cluster, Seat } from './cluster.js';
import type { Dice } from './dice.js';
import { limitedBatch, limitedWish } from './limited/wishes.js';
import type { Wish } from './wish.js';

const TENANTS = 12;
const PENDING_POSTS_MAX = 40;
/** Of all posts. */
const PART_LIMITED_BATCHES = 0.04;
const PART_LIMITED = 0.5;

export interface Planned {
  readonly tenant: string;
  readonly name: string;
  readonly periodMs: number;
}

export interface Post {
  readonly key: string;
  readonly tenant: string;
  readonly jobType: string;
  readonly expected: Wish['expected'];
  readonly unique: string | null;
  readonly postedAtMs: number;
  /** Refused: it certainly did not happen. Deduplicated: `id` held its key. Unknown: it may have happened. */
  outcome: 'acknowledged' | 'deduplicated' | 'refused' | 'unknown';
  id: string | null;
  said: string;
}

export const tenantName = (number: number): string => `tenant-${number}`;

/** Makes the tenants, their schedules and the job type `call`; answers with the schedules. */
export async function addTenants(
  cluster: Cluster,
  { seat, sinkUrl }: { seat: Seat; sinkUrl: string },
): Promise<Planned[]> {
  const make = (path: string, body: object): Promise<void> => cluster.insist(seat, path, { body });
  const planned: Planned[] = [];
  for (let number = 0; number < TENANTS; number += 1) {
    const tenant = tenantName(number);
    await make('/api/v1/tenants', { name: tenant });
    await make(`/api/v1/tenants/${tenant}/job-types`, {
      name: 'call',
      target: { kind: 'http', url: sinkUrl },
      retry: { maxAttempts: 100, minSeconds: 0.5, maxSeconds: 1 },
      timeoutSeconds: 15,
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
      const posting = this.#postSomething(this.#dice.pick(this.#cluster.seats));
      this.#pending.add(posting);
      void posting.finally(() => this.#pending.delete(posting));
    }
    await Promise.all(this.#pending);
  }

  /** Never throws: what went wrong is part of the account. */
  async post(seat: Seat, { tenant, ...wish }: Wish & { tenant: string }): Promise<Post> {
    const post = this.#open(tenant, wish);
    await this.#send([post], async () => {
      const { status, body } = await this.#cluster.call(
        seat,
        `/api/v1/tenants/${tenant}/runs`,
        bodyOf(wish, post),
      );
      post.said = `${status} ${JSON.stringify(body)?.slice(0, 300)}`;
      if (status === 201 || status === 200) {
        post.outcome = status === 201 ? 'acknowledged' : 'deduplicated';
        post.id = (body as { id: string }).id; // by the API's description
      } else if (status < 500) post.outcome = 'refused';
    });
    return post;
  }

  /** All of them at once, or none. */
  async postBatch(
    seat: Seat,
    { tenant, wishes }: { tenant: string; wishes: readonly Wish[] },
  ): Promise<Post[]> {
    const wished = wishes.map((wish) => ({ wish, post: this.#open(tenant, wish) }));
    const posts = wished.map(({ post }) => post);
    await this.#send(posts, async () => {
      const path = `/api/v1/tenants/${tenant}/runs:batchCreate`;
      const runs = wished.map(({ wish, post }) => bodyOf(wish, post));
      const { status, body } = await this.#cluster.call(seat, path, { runs });
      for (const post of posts) post.said = `${status} ${JSON.stringify(body)?.slice(0, 300)}`;
      if (status !== 200) {
        if (status < 500) for (const post of posts) post.outcome = 'refused';
        return;
      }
      const { results } = body as { results: { id: string; deduplicated: boolean }[] }; // by the API's description
      for (const [index, post] of posts.entries()) {
        post.outcome = results[index]?.deduplicated === true ? 'deduplicated' : 'acknowledged';
        post.id = results[index]?.id ?? null;
      }
    });
    return posts;
  }

  async #postSomething(seat: Seat): Promise<void> {
    const draw = this.#dice.next();
    if (draw < PART_LIMITED_BATCHES) await this.postBatch(seat, limitedBatch(this.#dice));
    else if (draw < PART_LIMITED) await this.post(seat, limitedWish(this.#dice));
    else await this.post(seat, { tenant: tenantName(this.#dice.between(0, TENANTS - 1)), ...this.#wish() });
  }

  #open(tenant: string, { jobType, expected, unique }: Wish): Post {
    const post: Post = {
      key: randomUUID(),
      tenant,
      jobType,
      expected,
      unique: unique?.key ?? null,
      postedAtMs: Date.now(),
      outcome: 'unknown',
      id: null,
      said: '',
    };
    this.posts.push(post);
    return post;
  }

  async #send(posts: readonly Post[], send: () => Promise<void>): Promise<void> {
    try {
      await send();
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      const isRefused = cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
      for (const post of posts) {
        post.said = String(cause);
        if (isRefused) post.outcome = 'refused';
      }
    }
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

function bodyOf(wish: Wish, { key }: Post): object {
  // JSON leaves out what is undefined.
  return { ...wish, expected: undefined, payload: { ...wish.payload, key } };
}
