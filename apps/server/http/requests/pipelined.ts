// Serves the requests of one connection one after the other. HTTP/1.1 lets a client send the next one before it has an
// answer, and Node would begin both at once, although the second answer can't leave before the first. So a few such
// requests held all turns of their tenant while the first, which needed a turn to go on, waited for one of theirs.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { RequestHandler } from 'express';

/** The last answer that was asked for on a connection. */
const last = new WeakMap<Socket, ServerResponse>();

export const serveInOrder: RequestHandler = ({ socket }, response, next): void => {
  const before = last.get(socket);
  last.set(socket, response);
  if (before === undefined || before.closed) return next();
  // What has been read of a connection is at most one chunk ahead; more waits outside.
  socket.pause();
  before.once('close', () => {
    if (last.get(socket) === response) socket.resume();
    if (!response.closed) next();
  });
};
