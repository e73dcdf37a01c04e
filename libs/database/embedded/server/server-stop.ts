// How is a server made to end? First by SIGINT, PostgreSQL's fast shutdown (sessions ended, checkpoint written), then
// by SIGQUIT, its immediate one (recovery at the next start). SIGKILL comes last, for a server that hangs: its children
// notice and end by themselves.
import { setTimeout as delay } from 'node:timers/promises';

export type StopMode = 'fast' | 'immediate';

const STEPS = [
  { signal: 'SIGINT', patienceMs: 30_000 },
  { signal: 'SIGQUIT', patienceMs: 10_000 },
  { signal: 'SIGKILL', patienceMs: 10_000 },
] as const;
const LOOK_EVERY_MS = 20;

interface Ending {
  readonly mode: StopMode;
  readonly send: (signal: NodeJS.Signals) => void;
  readonly isGone: () => boolean | Promise<boolean>;
}

/** Resolves when the server is gone, at once if it is already. */
export async function endServer({ mode, send, isGone }: Ending): Promise<void> {
  for (const { signal, patienceMs } of mode === 'fast' ? STEPS : STEPS.slice(1)) {
    if (await isGone()) return;
    send(signal);
    send('SIGCONT'); // a frozen server (SIGSTOP) takes the signal only when it goes on
    const patience = AbortSignal.timeout(patienceMs);
    while (!patience.aborted) {
      if (await isGone()) return;
      await delay(LOOK_EVERY_MS);
    }
  }
  throw new Error('expected the PostgreSQL server to end after SIGKILL, got a process that is still there');
}
