// How do many callers follow the logs of runs? Together: twice a second one statement reads the next lines of all
// followed logs, in whichever replica their runs execute, but never more bytes than a page may have. A caller that
// reads slowly is skipped until it has caught up. The stream has the form of the HTML standard's server-sent events.
// A replica that leaves ends the stream, and the caller continues elsewhere with the id of the last event that it has
// seen.
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { Response } from 'express';
import type { Database } from '#database/connection.js';
import { systemClock } from '#database/runtime/system-clock.js';
import { listNextLogLines, type LogLine } from '#execution/reports/run-log.repository.js';
import { finishedAmong } from '#execution/runs/run-pages.repository.js';
import type { RunId } from '#kernel/ids.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import type { ServerConfig } from '../../settings/config.js';
import { LoopTimers } from '../../loop-timers.js';
import { API_DATABASE, CONFIG } from '../../tokens.js';
import { ProblemError } from '../problems/problem.js';

interface Follower {
  runId: RunId;
  since: Date;
  after: number;
  response: Response;
  saidAtMs: number;
  isStillAllowed: () => Promise<boolean>;
  askedAtMs: number;
}

interface LineEvent {
  seq: number;
  text: string;
}

/** The log that a caller wants, and from where. */
type FollowRequest = Pick<Follower, 'runId' | 'since' | 'after' | 'isStillAllowed'>;

const LOOK_MS = 500;
/** How long a caller may still read after its key was revoked, in addition to the time until each replica knows. */
const ALLOWED_MS = 2_000;
/** Proxies take a silent connection for a dead one. */
const HEARTBEAT_MS = 15_000;
/** Lines per log and pass; after a pass that left lines out the next one follows at once. */
const LINES_MAX = 200;
/** The last lines of a run may be written a little after its end. */
export const LAST_LINES_MS = 1_000;

@Injectable()
export class RunLogFollowers implements Loop, OnApplicationBootstrap {
  readonly name = 'run-log-followers';
  readonly #followers = new Set<Follower>();
  /** When a followed run was first seen to have ended. */
  readonly #endedAtMs = new Map<RunId, number>();
  #isLeaving = false;

  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    @Inject(CONFIG) private readonly config: ServerConfig,
    private readonly timers: LoopTimers,
  ) {}

  onApplicationBootstrap(): void {
    this.timers.drive(this);
    this.timers.stopped.subscribe(() => {
      this.#isLeaving = true;
      for (const follower of this.#followers) this.#dismiss(follower);
    });
  }

  /** Sends the lines after the given one, now and as they come, until the run has ended. */
  follow(request: FollowRequest, response: Response): void {
    const max = this.config.CARILLON_LOG_FOLLOWERS;
    if (this.#followers.size >= max) {
      const detail = `expected at most ${max} requests that follow logs in this replica, got one more; read the log without following it`;
      throw new ProblemError('too-many-followers', detail, { headers: { 'retry-after': '5' } });
    }
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // Asks nginx not to gather the lines.
      'x-accel-buffering': 'no',
    });
    response.write('retry: 2000\n\n');
    const nowMs = systemClock.monotonicMs();
    const follower = { ...request, response, saidAtMs: nowMs, askedAtMs: nowMs };
    if (this.#isLeaving) return this.#dismiss(follower);
    this.#followers.add(follower);
    response.once('close', () => this.#forget(follower));
    this.timers.wake(this);
  }

  async runOnce(): Promise<number> {
    await this.#dismissRevoked();
    const asking = [...this.#followers].filter(({ response }) => !response.writableNeedDrain);
    if (asking.length === 0) return this.#followers.size > 0 ? LOOK_MS : SLEEP_MS;
    const byRun = Map.groupBy(asking, ({ runId }) => runId);
    // The ends are read first: lines written before a run's end are then seen by the next statement.
    await this.#noteEnded([...byRun.keys()]);
    const { lines, isCut } = await listNextLogLines(
      this.db,
      [...byRun.values()].map(furthestBehind),
      LINES_MAX,
    );
    const linesOf = Map.groupBy(lines, ({ runId }) => runId);
    let hasMore = isCut;
    for (const [runId, followers] of byRun) {
      const ofRun = linesOf.get(runId) ?? [];
      // Of a cut look nothing says which logs have more.
      const isWhole = !isCut && ofRun.length < LINES_MAX;
      if (!isWhole) hasMore = true;
      const events = ofRun.map((line) => ({ seq: line.seq, text: eventOf('log', shown(line), line.seq) }));
      for (const follower of followers) this.#tell(follower, events, { isWhole });
    }
    if (this.#followers.size === 0) return SLEEP_MS;
    return hasMore ? 0 : LOOK_MS;
  }

  /** Also checks callers that read slowly. */
  async #dismissRevoked(): Promise<void> {
    const nowMs = systemClock.monotonicMs();
    for (const follower of this.#followers) {
      if (nowMs - follower.askedAtMs < ALLOWED_MS) continue;
      follower.askedAtMs = nowMs;
      if (!(await follower.isStillAllowed())) this.#dismiss(follower);
    }
  }

  async #noteEnded(runIds: readonly RunId[]): Promise<void> {
    const nowMs = systemClock.monotonicMs();
    const { ended } = await finishedAmong(this.db, runIds);
    for (const runId of ended) {
      if (!this.#endedAtMs.has(runId)) this.#endedAtMs.set(runId, nowMs);
    }
  }

  #tell(follower: Follower, events: readonly LineEvent[], { isWhole }: { isWhole: boolean }): void {
    const nowMs = systemClock.monotonicMs();
    const { response, runId } = follower;
    const next = events.filter(({ seq }) => seq > follower.after);
    const endedAtMs = this.#endedAtMs.get(runId) ?? Number.POSITIVE_INFINITY;
    const texts = next.map(({ text }) => text);
    if (texts.length === 0 && nowMs - follower.saidAtMs >= HEARTBEAT_MS) texts.push(': still here\n\n');
    if (texts.length > 0) {
      response.write(texts.join(''));
      follower.saidAtMs = nowMs;
    }
    follower.after = next.at(-1)?.seq ?? follower.after;
    if (isWhole && nowMs - endedAtMs >= LAST_LINES_MS) {
      response.write(eventOf('end', { after: follower.after }));
      this.#dismiss(follower);
    }
  }

  #dismiss(follower: Follower): void {
    this.#forget(follower);
    follower.response.end();
  }

  #forget(follower: Follower): void {
    this.#followers.delete(follower);
    const { runId } = follower;
    if (![...this.#followers].some((other) => other.runId === runId)) this.#endedAtMs.delete(runId);
  }
}

/** Without the run, which the caller has named itself. */
function shown({ seq, at, attempt, replica, level, message, fields }: LogLine): LogLine {
  return { seq, at, attempt, replica, level, message, fields };
}

function furthestBehind(followers: readonly Follower[]): Follower {
  return followers.reduce((furthest, other) => (other.after < furthest.after ? other : furthest));
}

/** JSON has no line breaks of its own, so each event is one line of data. */
function eventOf(event: 'log' | 'end', data: object, id?: number): string {
  return `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
}
