// Runs while everything is up. Each second it reads the cluster and the demo's runs, and updates up.json and the
// status line; it starts a story when a replica is lost, and acts on keys. A replica or database that does not answer
// for a while must not end it: that is the demonstration.
import { setTimeout as rest } from 'node:timers/promises';
import type { ClusterWatch } from './cluster/cluster-watch.js';
import { FirstRuns } from './story/first-runs.js';
import type { Key, Keyboard } from './terminal/keys.js';
import { killLeader, killOther } from './cluster/kills.js';
import { tellLoss, type StoryParts } from './story/loss-story.js';
import { clockTime, statusLine } from './terminal/phrases.js';
import type { Receiver } from './story/receiver.js';
import type { LivingReplica, Loss, ReplicaSet } from './processes/replica-set.js';
import type { Shutdown } from './processes/shutdown.js';
import type { UpFile } from './data/up-file.js';
import { docsUrl, KEY_HELP } from './story/welcome.js';

export interface SessionParts extends StoryParts {
  readonly replicas: ReplicaSet;
  readonly receiver: Receiver | null;
  readonly shutdown: Shutdown;
  readonly base: { readonly upFile: UpFile; readonly adminKey: string; readonly databaseUrl: string };
  readonly wanted: number;
  readonly startedAtMs: number;
  readonly keyboard: Keyboard | undefined;
}

const LOOK_MS = 1_000;
/** While the first runs are shown, each as it happens. */
const LOOK_AT_FIRST_MS = 250;
/** Long enough for the first retry of the demo, 15 s after its schedule was made. */
const FIRST_RUNS_MAX_MS = 20_000;
const JOIN_LOOK_MS = 50;
const JOIN_LOOKS_MAX = 200;

export class Session {
  readonly #firstRuns: FirstRuns | undefined;

  constructor(private readonly parts: SessionParts) {
    const { runs, screen, watch } = parts;
    if (runs === null) return;
    const nameOf = (number: number): string => watch.nameOf(number);
    const first = new FirstRuns({ screen, since: runs.since, nameOf });
    runs.news.subscribe((news) => first.show(news));
    this.#firstRuns = first;
  }

  /** Writes the state of the last pass, for scripts. */
  async writeUpFile(): Promise<void> {
    const { base, watch } = this.parts;
    const seats = watch.seats.map(({ number, name, pid, url }) => ({ id: number, name, pid, url }));
    const apiUrls = seats.map(({ url }) => url);
    const { upFile, adminKey, databaseUrl } = base;
    await upFile.write({
      apiUrls,
      docsUrl: docsUrl(apiUrls),
      adminKey,
      databaseUrl,
      pid: process.pid,
      replicas: seats,
    });
  }

  async run(): Promise<void> {
    const { replicas, screen, shutdown } = this.parts;
    replicas.lost.subscribe((loss) => this.#background(this.#noteLoss(loss)));
    replicas.returned.subscribe((living) => this.#background(this.#noteReturn(living)));
    replicas.gaveUp.subscribe((end) => this.#noteEnd(end));
    if (this.#firstRuns !== undefined) screen.line('The first runs:');
    const firstRunsEndMs = performance.now() + FIRST_RUNS_MAX_MS;
    while (!shutdown.signal.aborted) {
      await this.#look();
      if (performance.now() > firstRunsEndMs) this.#firstRuns?.getQuiet();
      const lookMs = this.#firstRuns?.isQuiet === false ? LOOK_AT_FIRST_MS : LOOK_MS;
      await rest(lookMs, undefined, { signal: shutdown.signal }).catch(() => undefined); // woken to stop
    }
  }

  press(key: Key): void {
    const { watch, replicas, screen, shutdown } = this.parts;
    switch (key) {
      case 'quit':
        return shutdown.ask();
      case 'help':
        for (const line of KEY_HELP) screen.line(line);
        return;
      case 'kill-leader':
        return this.#background(this.#kill(() => killLeader(watch, replicas)));
      case 'kill-replica':
        return this.#background(this.#kill(() => killOther(watch, replicas)));
    }
  }

  async #look(): Promise<void> {
    const { watch, runs, receiver, screen, replicas, wanted, startedAtMs, keyboard, shutdown } = this.parts;
    const nowMs = performance.now();
    const isAnswered = await Promise.all([watch.look(), runs?.look(nowMs), this.writeUpFile()]).then(
      () => true,
      () => false,
    );
    if (shutdown.signal.aborted) return;
    const { leader, term } = watch.view;
    const line = statusLine({
      leader: isAnswered ? (leader?.name ?? null) : null,
      term,
      living: replicas.living.length,
      wanted,
      runs:
        runs === null
          ? null
          : { total: runs.total, isCutShort: runs.isCutShort, lastMinute: runs.lastMinute(nowMs) },
      received: receiver?.received ?? null,
      upMs: nowMs - startedAtMs,
    });
    screen.status(keyboard === undefined ? line : `${line} | keys: k r ? q`);
  }

  async #kill(kill: () => Promise<string | undefined>): Promise<void> {
    const obstacle = await kill();
    if (obstacle !== undefined) this.parts.screen.line(`  ${obstacle}`);
  }

  async #noteLoss(loss: Loss): Promise<void> {
    const before = this.parts.watch.view;
    await Promise.all([tellLoss(this.parts, loss, before), this.writeUpFile()]);
  }

  async #noteReturn({ name, pid }: LivingReplica): Promise<void> {
    const { watch, screen, signal } = this.parts;
    for (let looks = 0; looks < JOIN_LOOKS_MAX && !hasJoined(watch, pid); looks++) {
      await watch.look().catch(() => undefined); // no replica answers yet
      await rest(JOIN_LOOK_MS, undefined, { signal });
    }
    const seat = watch.seats.find((candidate) => candidate.pid === pid);
    const joined = seat === undefined ? 'but it has not joined' : `joined as replica ${seat.number}`;
    screen.line(`  ${clockTime(new Date())}  ${name} is back as a new process, ${pid}, ${joined}`);
    await this.writeUpFile();
  }

  #noteEnd({ name, lastLogLines }: { name: string; lastLogLines: string }): void {
    const { screen, replicas, shutdown } = this.parts;
    screen.line(
      `  ${clockTime(new Date())}  ${name} can't stay up and is given up; its last log lines:\n${lastLogLines}`,
    );
    if (!replicas.hasHope) shutdown.fail(new Error('every replica was given up'));
  }

  /** An error in the story must not end the session; after a stop it is expected. */
  #background(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!this.parts.signal.aborted)
        this.parts.screen.line(`  ${error instanceof Error ? error.message : String(error)}`);
    });
  }
}

function hasJoined(watch: ClusterWatch, pid: number): boolean {
  return watch.seats.some((seat) => seat.pid === pid);
}
