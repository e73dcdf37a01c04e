// The runs that have finished since the start. The demo tenants' runs are read repeatedly, newest first, back to the
// known ones. Each newly finished run counts once, and each failed attempt is reported.
import { Topic } from '#kernel/topic.js';
import type { Api } from '../cluster/api.js';
import * as shapes from '../cluster/api.shapes.js';

export interface RunNews {
  readonly tenant: string;
  readonly run: shapes.Run;
  /** `retrying`: an attempt failed and there will be another. */
  readonly kind: 'finished' | 'retrying';
}

export interface Start {
  readonly replica: number;
  readonly startedAt: Date;
  readonly dueAt: Date | null;
}

const PAGE_SIZE = 200;
/** Per read and tenant. A flood beyond it is counted too low, and the status says so. */
const PAGES_MAX = 10;
const REMEMBERED_MAX = 20_000;
const MINUTE_SECONDS = 60;

export class FinishedRuns {
  readonly news = new Topic<RunNews>();
  readonly #seen = new Set<string>();
  readonly #perSecond = new Map<number, number>();
  readonly #lastStart = new Map<string, Start>();
  #looking: Promise<void> | undefined;
  #total = 0;
  #isCutShort = false;

  constructor(
    private readonly api: Api,
    private readonly tenants: readonly string[],
    /** Runs that finished before this belong to an earlier start. By the database's clock. */
    readonly since: Date,
  ) {}

  get total(): number {
    return this.#total;
  }

  /** Some were not counted. */
  get isCutShort(): boolean {
    return this.#isCutShort;
  }

  lastMinute(nowMs: number): number {
    const fromSecond = Math.floor(nowMs / 1_000) - MINUTE_SECONDS;
    for (const second of this.#perSecond.keys()) if (second <= fromSecond) this.#perSecond.delete(second);
    return [...this.#perSecond.values()].reduce((sum, number) => sum + number, 0);
  }

  /** The replica that started the tenant's newest run, and when: it serves the tenant. */
  servedBy(tenant: string): Start | undefined {
    return this.#lastStart.get(tenant);
  }

  /** Reads once; all callers share a read that is under way. Rejects when no replica answers. */
  look(nowMs: number): Promise<void> {
    // Two at once would each find the same run new, and count it twice.
    this.#looking ??= this.#look(nowMs).finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #look(nowMs: number): Promise<void> {
    const found = await Promise.all(this.tenants.map((tenant) => this.#lookAt(tenant)));
    const news = found.flat().toSorted((a, b) => timeOf(a) - timeOf(b));
    for (const item of news) this.#note(item, nowMs);
    this.#forgetOldest();
  }

  async #lookAt(tenant: string): Promise<RunNews[]> {
    const news: RunNews[] = [];
    let token = '';
    for (let page = 1; page <= PAGES_MAX; page++) {
      const query = `pageSize=${PAGE_SIZE}${token === '' ? '' : `&pageToken=${encodeURIComponent(token)}`}`;
      const { items, nextPageToken } = await this.api.get(`tenants/${tenant}/runs?${query}`, shapes.runs);
      news.push(...items.flatMap((run) => this.#newsOf(tenant, run)));
      const reachesBack = items.some((run) => this.#seen.has(run.id) || isBefore(run, this.since));
      if (nextPageToken === null || reachesBack) return news;
      token = nextPageToken;
    }
    this.#isCutShort = true;
    return news;
  }

  #newsOf(tenant: string, run: shapes.Run): RunNews[] {
    const kind = run.finishedAt !== null ? 'finished' : run.state === 'retrying' ? 'retrying' : undefined;
    if (kind === undefined || isBefore(run, this.since) || this.#seen.has(keyOf(kind, run))) return [];
    return [{ tenant, run, kind }];
  }

  #note({ tenant, run, kind }: RunNews, nowMs: number): void {
    this.#seen.add(keyOf(kind, run));
    this.#noteStart(tenant, run);
    if (kind === 'finished') {
      this.#total += 1;
      const second = Math.floor(nowMs / 1_000);
      this.#perSecond.set(second, (this.#perSecond.get(second) ?? 0) + 1);
    }
    this.news.publish({ tenant, run, kind });
  }

  #noteStart(tenant: string, { replica, startedAt, dueAt }: shapes.Run): void {
    if (replica === null || startedAt === null) return;
    const known = this.#lastStart.get(tenant);
    if (known === undefined || known.startedAt < startedAt)
      this.#lastStart.set(tenant, { replica, startedAt, dueAt });
  }

  /** A set keeps the order in which it was filled. */
  #forgetOldest(): void {
    for (const key of this.#seen) {
      if (this.#seen.size <= REMEMBERED_MAX) return;
      this.#seen.delete(key);
    }
  }
}

function isBefore({ finishedAt }: shapes.Run, since: Date): boolean {
  return finishedAt !== null && finishedAt < since;
}

function keyOf(kind: RunNews['kind'], { id, pastAttempts }: shapes.Run): string {
  return kind === 'finished' ? id : `${id}/${pastAttempts.length}`;
}

function timeOf({ run }: RunNews): number {
  return (run.finishedAt ?? run.pastAttempts.at(-1)?.finishedAt ?? new Date(0)).getTime();
}
