// Does the embedded server keep its promises to a user who starts, kills and restarts it at will? Each
// test works in a folder of its own and on real processes; nothing here waits for time to pass.
import { chmod, lstat, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findBinaries } from '#database/embedded/programs/binaries.js';
import {
  removeEmbeddedPostgres,
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from '#database/embedded/embedded-postgres.js';
import { runStatement } from '../../support/admin-statement.js';

const isRoot = process.getuid?.() === 0;
/** Data as initdb makes it. */
let made: string;
let folder: string;
let dataDirectory: string;

beforeAll(async () => {
  made = await mkdtemp(join(tmpdir(), 'carillon-embedded-made-'));
  await chmod(made, 0o711);
  await (await start({ dataDirectory: join(made, 'data') })).stop();
});

afterAll(() => rm(made, { recursive: true, force: true }));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carillon-embedded-'));
  await chmod(folder, 0o711); // mkdtemp's 700 would put root's data elsewhere, which has a test of its own
  dataDirectory = join(folder, 'data');
});

afterEach(async () => {
  for (const name of ['data', 'other']) await removeEmbeddedPostgres(join(folder, name));
  await rm(folder, { recursive: true, force: true });
});

const start = (wish: { port?: number; dataDirectory?: string } = {}): Promise<EmbeddedPostgres> =>
  startEmbeddedPostgres({ dataDirectory, settings: { fsync: 'off' }, log: () => undefined, ...wish });

/** On a copy of the data that was made before: initdb takes ten times as long. */
const startOnCopy = async (wish: { port?: number } = {}): Promise<EmbeddedPostgres> => {
  // Unlike node's, this cp keeps the owner of the files, whom PostgreSQL checks.
  execFileSync('cp', ['-a', join(made, 'data'), join(made, 'data.password'), folder]);
  return start(wish);
};

const remember = (server: EmbeddedPostgres): Promise<unknown> =>
  runStatement(server.url, 'create table kept as select 42 as answer');
const recall = (server: EmbeddedPostgres): Promise<unknown> =>
  runStatement(server.url, 'select answer from kept');

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('data', () => {
  it('survives a stop and a start', async () => {
    const first = await startOnCopy();
    await remember(first);
    await first.stop();
    expect(await recall(await start())).toEqual([{ answer: 42 }]);
  });

  it('survives the death of the server', async () => {
    const first = await startOnCopy();
    await remember(first);
    process.kill(first.pid, 'SIGKILL');
    await first.exited;
    expect(await recall(await start())).toEqual([{ answer: 42 }]);
  });

  it('is in UTF-8 and UTC, whatever the machine speaks', async () => {
    const server = await start();
    const rows = await runStatement(
      server.url,
      "select current_setting('server_encoding') as encoding, current_setting('timezone') as zone, upper('ü') as umlaut",
    );
    expect(rows).toEqual([{ encoding: 'UTF8', zone: 'UTC', umlaut: 'Ü' }]);
  });

  it('does not vanish in silence: a start without it notes that it is gone', async () => {
    await (await startOnCopy()).stop();
    await rm(dataDirectory, { recursive: true });
    expect((await start()).notes).toEqual([
      `the data of an earlier run is no longer in ${dataDirectory}; PostgreSQL begins empty`,
    ]);
  });

  it('is closed to others: password and log are for the owner only', async () => {
    const { url } = await start();
    const modes = await Promise.all(
      ['data', 'data.password', 'data.log'].map(
        async (name) => (await stat(join(folder, name))).mode & 0o777,
      ),
    );
    expect(modes).toEqual([0o700, 0o600, 0o600]);
    await expect(runStatement(url.replace(/:[^:]*@/, ':guess@'), 'select 1')).rejects.toThrow(
      /password authentication failed/,
    );
  });

  it.runIf(isRoot)(
    'is found again when root keeps it under a folder that the server user cannot enter',
    async () => {
      await chmod(folder, 0o700);
      const first = await start();
      expect(first.dataDirectory).toMatch(/^\/var\/tmp\/carillon-data-/);
      expect(first.notes.join()).toContain(first.dataDirectory);
      await remember(first);
      await first.stop();
      const second = await start();
      expect(await recall(second)).toEqual([{ answer: 42 }]);
      await second.remove();
      await expect(stat(first.dataDirectory)).rejects.toThrow(/ENOENT/);
    },
  );

  it.runIf(isRoot)('is refused, not shadowed by an empty place, when its folder becomes closed', async () => {
    await (await startOnCopy()).stop();
    await chmod(folder, 0o700);
    await expect(start()).rejects.toThrow(/expected the owner of data directory .* to be able to enter/);
    await chmod(folder, 0o711);
  });
});

describe('making the data directory', () => {
  it('begins again after an initdb that was cut off', async () => {
    await mkdir(`${dataDirectory}.initialising/base`, { recursive: true });
    await writeFile(`${dataDirectory}.initialising/PG_VERSION`, '18\n');
    await writeFile(`${dataDirectory}.initialising.pwfile`, 'old');
    const server = await start();
    expect(await runStatement(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect((await readdir(folder)).toSorted()).toEqual(['data', 'data.log', 'data.password']);
  });

  it('refuses data of another major version and names both', async () => {
    await (await startOnCopy()).stop();
    await writeFile(join(dataDirectory, 'PG_VERSION'), '17\n');
    await expect(start()).rejects.toThrow(
      /expected data of PostgreSQL 18.*got data of PostgreSQL 17.*pg_dumpall/,
    );
  });

  it('refuses a folder that holds something else', async () => {
    await mkdir(dataDirectory);
    await writeFile(join(dataDirectory, 'thesis.txt'), 'precious');
    await expect(start()).rejects.toThrow(/expected .* to be empty or a PostgreSQL data directory/);
    expect(await readFile(join(dataDirectory, 'thesis.txt'), 'utf8')).toBe('precious');
  });

  it('tells which file is missing when the password is lost', async () => {
    await (await startOnCopy()).stop();
    await rm(`${dataDirectory}.password`);
    await expect(start()).rejects.toThrow(/expected the database password in .*data\.password, got nothing/);
  });
});

describe('starting', () => {
  it('takes another port when the wanted one is taken, and notes it', async () => {
    const holder = createServer();
    await once(holder.listen(0, '127.0.0.1'), 'listening');
    const { port } = holder.address() as AddressInfo; // a listening TCP server always has one
    const server = await startOnCopy({ port });
    expect(server.port).not.toBe(port);
    expect(server.notes).toEqual([`port ${port} is taken, PostgreSQL listens on ${server.port}`]);
    holder.close();
  });

  it('comes back on the wanted port when it is free', async () => {
    const first = await startOnCopy();
    await first.stop();
    const second = await start({ port: first.port });
    expect(second).toMatchObject({ port: first.port, notes: [] });
  });

  it('stops a server that an earlier run left behind', async () => {
    const left = await startOnCopy();
    await remember(left);
    const server = await start();
    expect(isAlive(left.pid)).toBe(false);
    expect(server.notes.join()).toContain(`stopped a PostgreSQL (pid ${left.pid})`);
    expect(await recall(server)).toEqual([{ answer: 42 }]);
  });

  it('leaves a stranger alone who got the process id of a dead server', async () => {
    await (await startOnCopy()).stop();
    await writeFile(join(dataDirectory, 'postmaster.pid'), `${process.pid}\n${dataDirectory}\n`);
    expect((await start()).notes).toEqual([]); // a signal would have ended this very process
  });

  it('runs two servers from two directories at once', async () => {
    const servers = await Promise.all([start(), start({ dataDirectory: join(folder, 'other') })]);
    const found = await Promise.all(
      servers.map(({ url }) => runStatement(url, "select current_setting('data_directory') as directory")),
    );
    expect(found.flat()).toEqual([{ directory: dataDirectory }, { directory: join(folder, 'other') }]);
  });

  it('tells what the server said when it does not come up', async () => {
    const refused = startEmbeddedPostgres({
      dataDirectory,
      settings: { max_connections: 'many' },
      log: () => undefined,
    });
    await expect(refused).rejects.toThrow(
      /expected PostgreSQL to start on .*invalid value for parameter "max_connections"/s,
    );
  });
});

describe('stopping', () => {
  it.each(['fast', 'immediate'] as const)(
    '%s leaves no process, and may be asked for again',
    async (mode) => {
      const server = await startOnCopy();
      const rows = await runStatement<{ pid: number }>(
        server.url,
        'select pid from pg_stat_activity where pid <> pg_backend_pid()',
      );
      await Promise.all([server.stop(mode), server.stop(mode)]);
      await server.stop();
      expect([server.pid, ...rows.map((row) => row.pid)].filter(isAlive)).toEqual([]);
      server.killNow(); // harmless on a server that is gone
    },
  );

  it('ends a frozen server', async () => {
    const server = await startOnCopy();
    process.kill(server.pid, 'SIGSTOP');
    await server.stop('immediate');
    expect(isAlive(server.pid)).toBe(false);
  });
});

describe('programs that the server user cannot reach', () => {
  const user = { name: 'somebody', uid: 4242, gid: 4242 };

  async function closedPackage(): Promise<string> {
    const root = join(folder, 'package');
    for (const path of ['bin', 'lib/postgresql', 'share/postgresql'])
      await mkdir(join(root, 'native', path), { recursive: true });
    await writeFile(join(root, 'package.json'), '{"version":"18.4.0"}');
    await writeFile(
      join(root, 'native/pg-symlinks.json'),
      '[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so.5"}]',
    );
    const files = [
      'bin/initdb',
      'bin/postgres',
      'bin/pg_ctl',
      'lib/libpq.so.5.18',
      'share/postgresql/postgres.bki',
    ];
    for (const path of files) await writeFile(join(root, 'native', path), path, { mode: 0o600 });
    await chmod(root, 0o700);
    return root;
  }

  it('run from one complete copy, however many ask for it at once', async () => {
    const search = { user, note: () => undefined, packageRoot: await closedPackage(), copiesUnder: folder };
    const found = await Promise.all([findBinaries(search), findBinaries(search), findBinaries(search)]);
    const home = join(folder, `carillon-postgres-18.4.0-${process.getuid?.()}`);
    expect(new Set(found.map(({ postgres }) => postgres))).toEqual(
      new Set([join(home, 'native/bin/postgres')]),
    );
    expect((await readdir(folder)).toSorted()).toEqual([
      `carillon-postgres-18.4.0-${process.getuid?.()}`,
      'package',
    ]);
    expect((await stat(join(home, 'native/bin/initdb'))).mode & 0o777).toBe(0o755);
    expect((await lstat(join(home, 'native/lib/libpq.so.5'))).isSymbolicLink()).toBe(true);
  });

  it('are copied again when the copy has lost files, and refused when others can write it', async () => {
    const search = { user, note: () => undefined, packageRoot: await closedPackage(), copiesUnder: folder };
    const { postgres } = await findBinaries(search);
    await rm(postgres);
    await findBinaries(search);
    expect(await readFile(postgres, 'utf8')).toBe('bin/postgres');
    await chmod(join(postgres, '../../..'), 0o777);
    await expect(findBinaries(search)).rejects.toThrow(/that others can't write, got .* mode 777/);
  });
});
