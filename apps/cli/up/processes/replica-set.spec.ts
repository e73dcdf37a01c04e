// Does a replica come back, and only as long as that makes sense? The processes are played here; the pause
// before a restart takes no time.
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ReplicaProcess } from './replica-process.js';
import { ReplicaSet, type Loss } from './replica-set.js';

class PlayedProcess implements ReplicaProcess {
  readonly signals: string[] = [];
  readonly listening: Promise<{ url: string }>;
  readonly exited: Promise<string>;
  #exit: (how: string) => void = () => undefined;

  constructor(
    readonly name: string,
    readonly pid: number,
    listens: boolean,
    private readonly drains: () => boolean = () => false,
  ) {
    this.exited = new Promise((resolve) => (this.#exit = resolve));
    const failed = this.exited.then((how) => Promise.reject(new Error(`ended at its start (${how})`)));
    this.listening = listens ? Promise.resolve({ url: `http://127.0.0.1:${9_000 + pid}` }) : failed;
    failed.catch(() => undefined);
  }

  send(signal: NodeJS.Signals): boolean {
    this.signals.push(signal);
    if (signal === 'SIGKILL' || !this.drains()) this.end(signal);
    return true;
  }

  end(how: string): void {
    this.#exit(how);
  }

  lastLogLines(): string {
    return `the last words of ${this.pid}`;
  }
}

/** `stage.listens` decides whether the processes made from then on come up. */
async function playSet(names: string[]) {
  const stage = {
    listens: true,
    /** A SIGTERM takes its time. */
    isSlow: false,
    processes: [] as PlayedProcess[],
    wishes: [] as { name: string; port: number }[],
  };
  const set = new ReplicaSet(
    (wish) => {
      const process = new PlayedProcess(
        wish.name,
        stage.processes.length + 1,
        stage.listens,
        () => stage.isSlow,
      );
      stage.processes.push(process);
      stage.wishes.push(wish);
      if (!stage.listens) process.end('exit code 1');
      return process;
    },
    async () => undefined,
  );
  const told = { lost: [] as Loss[], gaveUp: [] as { name: string; lastLogLines: string }[] };
  set.lost.subscribe((loss) => told.lost.push(loss));
  set.gaveUp.subscribe((end) => told.gaveUp.push(end));
  await set.startAll(names.map((name) => ({ name, port: 0 })));
  return { set, stage, told };
}

const settle = async (): Promise<void> => {
  for (let turns = 0; turns < 20; turns++) await turn();
};

describe('a set of replicas', () => {
  it('starts one that died again, under its name and on the port that it had', async () => {
    const { set, stage, told } = await playSet(['r1', 'r2']);
    stage.processes[0]?.end('exit code 7');
    await settle();
    expect(told.lost).toMatchObject([{ name: 'r1', pid: 1, how: 'exit code 7', wasKilled: false }]);
    expect(stage.wishes.at(-1)).toEqual({ name: 'r1', port: 9_001 });
    expect(set.living.map(({ name, pid }) => [name, pid])).toEqual([
      ['r1', 3],
      ['r2', 2],
    ]);
  });

  it('gives up one that dies three times in a row, and leaves the others', async () => {
    const { set, stage, told } = await playSet(['r1', 'r2']);
    stage.listens = false;
    stage.processes[0]?.end('exit code 1');
    await settle();
    expect(told.gaveUp).toEqual([{ name: 'r1', lastLogLines: 'the last words of 4' }]);
    expect(set.living.map(({ name }) => name)).toEqual(['r2']);
    expect(set.hasHope).toBe(true);
  });

  it('does not hold it against one that it was killed here', async () => {
    const { set, stage, told } = await playSet(['r1']);
    for (const _ of [1, 2, 3, 4]) {
      expect(set.kill('r1')).toBe(true);
      await settle();
    }
    expect(told.lost.map(({ pid, wasKilled }) => [pid, wasKilled])).toEqual([
      [1, true],
      [2, true],
      [3, true],
      [4, true],
    ]);
    expect(told.gaveUp).toEqual([]);
    expect(stage.processes).toHaveLength(5);
  });

  it('has nobody to kill under a name that is not there', async () => {
    const { set } = await playSet(['r1']);
    expect(set.kill('r2')).toBe(false);
  });

  it('starts nothing again once it is stopped', async () => {
    const { set, stage, told } = await playSet(['r1', 'r2']);
    await set.stop();
    await settle();
    expect(stage.processes.map(({ signals }) => signals)).toEqual([['SIGTERM'], ['SIGTERM']]);
    expect([told.lost, set.living]).toEqual([[], []]);
    expect(stage.processes).toHaveLength(2);
  });

  it('tells the last words of one that ends before it listens', async () => {
    const set = new ReplicaSet(() => {
      const process = new PlayedProcess('r1', 1, false);
      process.end('exit code 1');
      return process;
    });
    const start = set.startAll([{ name: 'r1', port: 0 }]);
    await expect(start).rejects.toThrow(
      'replica r1 ended at its start (exit code 1); its last log lines:\nthe last words of 1',
    );
  });

  it('restarts one at once, without telling of a loss', async () => {
    const { set, stage, told } = await playSet(['r1', 'r2']);
    expect(await set.restart('r1')).toMatchObject({ name: 'r1', pid: 3, url: 'http://127.0.0.1:9003' });
    expect(stage.processes[0]?.signals).toEqual(['SIGTERM']);
    expect(told).toEqual({ lost: [], gaveUp: [] });
    expect(await set.restart('r9')).toBeNull();
  });

  it('says when one that was restarted does not come up, and goes on trying', async () => {
    const { set, stage, told } = await playSet(['r1', 'r2']);
    stage.listens = false;
    expect(await set.restart('r1')).toBeNull();
    await settle();
    expect(told.gaveUp).toMatchObject([{ name: 'r1' }]);
    expect(set.living.map(({ name }) => name)).toEqual(['r2']);
    stage.listens = true;
    expect(set.restartable).toEqual(['r1', 'r2']);
    expect(await set.restart('r1')).toMatchObject({ name: 'r1' });
    expect(set.living.map(({ name }) => name)).toEqual(['r1', 'r2']);
  });

  it('tells of the loss of one that is killed while it restarts', async () => {
    const { set, stage, told } = await playSet(['r1', 'r2']);
    stage.isSlow = true;
    const restarted = set.restart('r1');
    set.kill('r1');
    expect(await restarted).toBeNull();
    await settle();
    expect(told.lost).toMatchObject([{ name: 'r1', pid: 1, wasKilled: true }]);
    expect(set.living.map(({ pid }) => pid)).toEqual([3, 2]);
  });
});
