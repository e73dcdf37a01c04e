// What does a worker need of its process, and how does it speak to the person who started it? It runs on Node 20 and newer,
// and says so at once where it is started on an older one. Errors that it gets over are shown unless the caller wants to
// hear of them: the first at once and then one in ten seconds, since a replica that is away fails each call.

const NODE_MIN = 20;
const SHOW_EVERY_MS = 10_000;

/** Throws where the worker could take runs and never end them. */
export function refuseOldNode(version: string): void {
  if (Number.parseInt(version, 10) < NODE_MIN)
    throw new Error(`expected Node ${NODE_MIN} or newer for a worker of Carillon, got ${version}`);
}

export interface ErrorScreen {
  nowMs: () => number;
  show: (text: string) => void;
}

const SCREEN: ErrorScreen = {
  nowMs: () => performance.now(),
  // A worker is a program of the user's, whose stderr is the one place that is always there.
  // oxlint-disable-next-line no-console
  show: (text) => console.error(text),
};

export function showErrors({ nowMs, show }: ErrorScreen = SCREEN): (error: Error) => void {
  let nextAtMs = Number.NEGATIVE_INFINITY;
  let hidden = 0;
  return ({ message }) => {
    if (nowMs() < nextAtMs) {
      hidden += 1;
      return;
    }
    show(
      `carillon worker: ${message}; it goes on${hidden === 0 ? '' : ` (and ${hidden} more errors before)`}`,
    );
    nextAtMs = nowMs() + SHOW_EVERY_MS;
    hidden = 0;
  };
}
