// When do the connections of a server that closes end? Idle ones at once, busy ones after their answer. A peer that has
// connected and sends no whole request gets none, and would keep the process for as long as it likes: browsers connect
// ahead, and a frozen caller stops anywhere.
import { once } from 'node:events';
import type { Server, ServerResponse } from 'node:http';

/** Longer than any statement of a request may take (the pool in application.ts). */
const LAST_ANSWERS_MS = 10_000;

export function endConnectionsOnClose(server: Server): void {
  // The server closes its idle connections itself, but only once: one that is busy at that moment, with a caller that
  // waits for a run, would stay for as long as its caller keeps it open.
  server.on('request', (_request, response: ServerResponse) => {
    response.once('close', () => server.listening || server.closeIdleConnections());
  });
  const close = server.close.bind(server);
  server.close = (then) => {
    void once(AbortSignal.timeout(LAST_ANSWERS_MS), 'abort').then(() => server.closeAllConnections());
    return close(then);
  };
}
