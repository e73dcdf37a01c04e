// The worker's process: its Node version and its stderr. A worker needs Node 20.19 or newer, and refuses an older one at
// once. Unless the caller passes `onError`, errors after which it goes on are shown: the first at once, then one in
// ten seconds, since a replica that is down fails each call.

const NODE_MIN = [20, 19] as const;
const SHOW_EVERY_MS = 10_000;

/** Throws on a Node with which the worker could take runs and never end them. */
export function refuseOldNode(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < NODE_MIN[0] || (major === NODE_MIN[0] && minor < NODE_MIN[1]))
    throw new Error(`expected Node ${NODE_MIN.join('.')} or newer for a worker of Carillon, got ${version}`);
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

export function showErrors(screen: Partial<ErrorScreen> = {}): (error: Error) => void {
  const { nowMs, show } = { ...SCREEN, ...screen };
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
