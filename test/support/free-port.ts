// Which port may a program take that must be told one before it listens? One that was free a moment ago.
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

export async function freePort(): Promise<number> {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo; // of a TCP server that listens
  holder.close();
  await once(holder, 'close');
  return port;
}
