// On which port does the server come up, and after how many tries? Two races are lost now and then and cost only
// another try: another process takes the port between our check and the server's bind, and the children of a killed
// server need a moment to release its memory.
import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { EmbeddedPostgresError } from '#database/embedded/programs/embedded-postgres-error.js';
import { findFreePort, HOST, isPortFree } from './free-port.js';
import { SUPERUSER } from '#database/embedded/data/initialisation.js';
import { tryLaunch, type Launch } from './server-process.js';

interface LaunchOrder extends Omit<Launch, 'port' | 'url'> {
  readonly password: string;
  readonly wantedPort: number | undefined;
  readonly note: (line: string) => void;
}

export interface RunningServer {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly port: number;
  readonly url: string;
}

const ATTEMPTS_MAX = 20;
const BUSY_DELAY_MS = 500;

export async function launchServer(order: LaunchOrder): Promise<RunningServer> {
  const { wantedPort, password } = order;
  let port = wantedPort !== undefined && (await isPortFree(wantedPort)) ? wantedPort : await findFreePort();
  let obstacle = '';
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const url = `postgres://${SUPERUSER}:${password}@${HOST}:${port}/postgres`;
    const outcome = await tryLaunch({ ...order, port, url });
    switch (outcome.kind) {
      case 'ready':
        if (wantedPort !== undefined && port !== wantedPort)
          order.note(`port ${wantedPort} is taken, PostgreSQL listens on ${port}`);
        return { child: outcome.child, pid: outcome.pid, port, url };
      case 'port-taken':
        port = await findFreePort();
        break;
      case 'directory-busy':
        await delay(BUSY_DELAY_MS);
        break;
    }
    obstacle = outcome.said;
  }
  throw new EmbeddedPostgresError(
    `expected PostgreSQL to start on ${order.directory}, got ${ATTEMPTS_MAX} failures, the last:\n${obstacle}`,
  );
}
