// How does a worker outside of the cluster end a lease? By saying `complete` to one replica after the other, until one
// of them has understood. What it answered is kept: a word that was accepted must be the run's end.
import { setTimeout as rest } from 'node:timers/promises';
import { ADMIN_KEY } from '../support/replica-fork.js';

export interface LastWord {
  readonly run: string;
  readonly attempt: number;
  readonly saidAtMs: number;
  /** 'lost': another actor decides about the run. 'unheard': no replica ever answered. */
  heard: 'accepted' | 'lost' | 'unheard';
}

const TRIES_MAX = 60;
const AGAIN_MS = 500;
const REQUEST_LIMIT_MS = 5_000;

export async function endOutside({
  origins,
  path,
  stopped,
}: {
  origins: () => readonly string[];
  /** Of the lease, without the verb. */
  path: string;
  stopped: AbortSignal;
}): Promise<LastWord['heard']> {
  for (let tries = 0; tries < TRIES_MAX && !stopped.aborted; tries += 1) {
    const known = origins();
    const origin = known[tries % known.length] ?? 'http://127.0.0.1:9';
    const status = await say(`${origin}${path}:complete`, stopped).catch(() => null);
    if (status === 200) return 'accepted';
    if (status === 409) return 'lost';
    await rest(AGAIN_MS, undefined, { signal: stopped }).catch(() => undefined);
  }
  return 'unheard';
}

async function say(url: string, stopped: AbortSignal): Promise<number> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_KEY}` },
    body: '{"output":{}}',
    signal: AbortSignal.any([stopped, AbortSignal.timeout(REQUEST_LIMIT_MS)]),
  });
  await response.arrayBuffer();
  return response.status;
}
