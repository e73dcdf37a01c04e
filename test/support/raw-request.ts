// What does a server answer to a request that no client would send? It is written to a connection as it is, and the
// answer is what comes back until the server closes it.
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

export async function sendRaw(url: string, request: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  await once(socket, 'connect');
  socket.write(request);
  return text(socket);
}
