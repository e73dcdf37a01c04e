// How does a test take the database away from one server and leave it to all others? It puts a TCP proxy in
// between, which can be cut, so that connecting is refused; or frozen, so that nothing is refused and
// nothing answered; and mended.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface DatabaseProxy {
  /** The database's URL by way of the proxy. */
  readonly url: string;
  /** Ends every connection and accepts no other. */
  cut(): Promise<void>;
  /** Passes nothing on any more, in either direction, on old connections and new ones. */
  freeze(): void;
  /** Passes nothing on any more on the connections that there are; new ones go through. */
  forget(): void;
  /** Accepts connections again, or lets frozen ones go on. */
  mend(): Promise<void>;
}

export async function startDatabaseProxy(databaseUrl: string): Promise<DatabaseProxy> {
  const target = new URL(databaseUrl);
  const pairs = new Set<[Socket, Socket]>();
  const forgotten = new Set<[Socket, Socket]>();
  let frozen = false;
  const server = createServer((inner) => {
    const outer = connect({ host: target.hostname, port: Number(target.port || 5432) });
    const pair: [Socket, Socket] = [inner, outer];
    pairs.add(pair);
    for (const [from, to] of [pair, pair.toReversed() as [Socket, Socket]]) {
      from.pipe(to);
      if (frozen) from.pause();
      from.on('error', () => to.destroy());
      from.on('close', () => {
        to.destroy();
        pairs.delete(pair);
        forgotten.delete(pair);
      });
    }
  });
  await listen(server, 0);
  const { port } = server.address() as AddressInfo; // a TCP server that listens has one
  return {
    url: Object.assign(new URL(databaseUrl), { hostname: '127.0.0.1', port: String(port) }).href,
    cut: async () => {
      if (!server.listening) return;
      server.close();
      for (const pair of [...pairs, ...forgotten]) for (const socket of pair) socket.destroy();
      await once(server, 'close');
    },
    freeze: () => {
      frozen = true;
      for (const pair of pairs) for (const socket of pair) socket.pause();
    },
    forget: () => {
      for (const pair of pairs) {
        for (const socket of pair) socket.unpipe().pause();
        forgotten.add(pair);
      }
      pairs.clear();
    },
    mend: async () => {
      frozen = false;
      for (const pair of pairs) for (const socket of pair) socket.resume();
      if (!server.listening) await listen(server, port);
    },
  };
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}
