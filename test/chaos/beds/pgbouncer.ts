// The bed with a real PgBouncer in transaction mode, as docs/POOLERS.md sets it: what the replicas' pools send goes through
// it, and a session of the server serves one replica's transaction after another's. Control sessions go past it. A replica
// that was killed is noticed after `deadAfterMs` there, because its name stays on the pooler's sessions, and after an outage
// PgBouncer itself takes a second to try again.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findFreePort } from '#database/embedded/server/free-port.js';
import { findServerUser, spawnOptionsFor } from '#database/embedded/programs/server-user.js';
import { runStatement } from '../../support/admin-statement.js';
import { until } from '../../support/until.js';
import type { FaultKind } from '../faults.js';
import type { Bed, Ground } from './bed.js';

const PROGRAMS = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/usr/local/bin/pgbouncer'];
const LOGIN_RETRY_SECONDS = 1;
/** Until it has tried again, and its clients have. */
const AFTER_OUTAGE_MORE_MS = 2_000;
const SILENCE_AND_SECOND_MS = 6_000;
/** So much later than without a pooler a death is noticed. */
const DEATH_MORE_MS = 4_000;

export const pgbouncer: Bed = { name: 'pgbouncer', prepare, limited };

async function prepare({ folder }: { folder: string }, databaseUrl: string): Promise<Ground> {
  const name = new URL(databaseUrl).pathname.slice(1);
  // What it drops of a session's beginning, the database says.
  await runStatement(databaseUrl, `alter database ${name} set search_path = pg_catalog, pg_temp`);
  await runStatement(databaseUrl, `alter database ${name} set idle_in_transaction_session_timeout = '5s'`);
  const port = await findFreePort();
  const file = join(folder, 'pgbouncer.ini');
  await writeFile(file, settings(new URL(databaseUrl), port));
  await chmod(file, 0o644); // under root it runs as another user, who must read it
  const child = spawn(programOrThrow(), [file], {
    ...spawnOptionsFor(await findServerUser()),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const close = endWithProcess(child);
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2_000)));
  const through = Object.assign(new URL(databaseUrl), { port: String(port) }).href;
  await until('PgBouncer answers', async () => {
    if (child.exitCode !== null) throw new Error(`expected PgBouncer to run, got:\n${said}`);
    return runStatement(through, 'select 1').then(
      () => true,
      () => false,
    );
  });
  return { productUrl: databaseUrl, ports: { work: port }, env: {}, close };
}

function settings({ pathname, hostname, port, username, password }: URL, listenPort: number): string {
  const login = `user=${decodeURIComponent(username)} password='${decodeURIComponent(password)}'`;
  return `[databases]
${pathname.slice(1)} = host=${hostname} port=${port} ${login}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listenPort}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 20
max_client_conn = 500
server_login_retry = ${LOGIN_RETRY_SECONDS}
query_wait_timeout = 10
ignore_startup_parameters = options,statement_timeout,idle_in_transaction_session_timeout
log_connections = 0
log_disconnections = 0
`;
}

function programOrThrow(): string {
  const program = PROGRAMS.find((each) => existsSync(each));
  if (program === undefined)
    throw new Error(`expected PgBouncer at ${PROGRAMS.join(' or ')}, got none: apt-get install pgbouncer`);
  return program;
}

/** Ends it when this process ends, or sooner. */
function endWithProcess(child: ChildProcess): () => Promise<void> {
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  return async () => {
    process.off('exit', kill);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    kill();
    await exited;
  };
}

function limited(kind: FaultKind): FaultKind {
  const { termMs, slotsMs, restartMs, latenessMs } = kind.limits;
  if (kind.from === 'heal') {
    const more = AFTER_OUTAGE_MORE_MS;
    return {
      ...kind,
      limits: {
        termMs: termMs + more,
        slotsMs: slotsMs + more,
        restartMs: restartMs + more,
        latenessMs: latenessMs + more,
      },
    };
  }
  // Who waits for long for an answer may be killed by the next fault just before its time is up.
  if (kind.death === 'never' && latenessMs > SILENCE_AND_SECOND_MS)
    return { ...kind, limits: { ...kind.limits, latenessMs: latenessMs + DEATH_MORE_MS } };
  if (kind.death === 'never') return kind;
  const atLeast = (ms: number): number => Math.max(ms, SILENCE_AND_SECOND_MS);
  return {
    ...kind,
    limits: {
      termMs,
      slotsMs: atLeast(slotsMs),
      restartMs: atLeast(restartMs),
      latenessMs: atLeast(latenessMs),
    },
  };
}
