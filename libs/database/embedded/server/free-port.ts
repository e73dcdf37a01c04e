// Which port can the server listen on? The wanted one if no process holds it, else any that the system has free.
// Between this check and the server's bind another process may take it: the start tries again then.
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

export const HOST = '127.0.0.1';

export async function isPortFree(port: number): Promise<boolean> {
  return (await tryPort(port)) !== undefined;
}

export async function findFreePort(): Promise<number> {
  const port = await tryPort(0);
  if (port === undefined) throw new Error(`expected a free port on ${HOST}, got none`);
  return port;
}

async function tryPort(port: number): Promise<number | undefined> {
  const probe = createServer();
  try {
    await once(probe.listen(port, HOST), 'listening');
    const { port: got } = probe.address() as AddressInfo; // a listening TCP server always has one
    return got;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException; // listen fails with nothing else
    if (code === 'EADDRINUSE' || code === 'EACCES') return undefined; // EACCES: a privileged port
    throw error;
  } finally {
    probe.close();
  }
}
