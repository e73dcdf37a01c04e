// How is a run pushed to somebody's HTTP endpoint? One POST of the payload, no redirects, a bounded
// answer. 2xx is success and a JSON answer the output; 4xx will not get better by itself and is fatal,
// except for 408, 425 and 429; everything else is tried again.
import type { JobContext } from '#client/job-definition.js';
import { request, type Dispatcher } from 'undici';
import type { ClaimedRun } from './claimed-run.js';
import type { AttemptResult } from './decisions/run-transition.js';
import type { Target } from './job-type.js';

const ANSWER_BYTES_MAX = 256 * 1024;
const WORTH_ANOTHER_TRY = new Set([408, 425, 429]);

export interface HttpCall {
  target: Target & { kind: 'http' };
  run: ClaimedRun;
  context: JobContext;
  /** Refuses addresses that tenants must not reach. */
  dispatcher: Dispatcher;
}

export async function callHttp({ target, run, context, dispatcher }: HttpCall): Promise<AttemptResult> {
  const answer = await request(target.url, {
    method: 'POST',
    dispatcher,
    signal: context.signal,
    headers: {
      ...lowerCased(target.headers),
      'content-type': 'application/json',
      'webhook-id': run.id,
      'x-run-id': run.id,
      'x-attempt': String(run.attempt),
      ...(run.dueAt === null ? {} : { 'x-fire-time': run.dueAt.toISOString() }),
    },
    body: JSON.stringify(run.payload),
  });
  const { text: body, cut } = await readBounded(answer.body);
  const { statusCode } = answer;
  if (statusCode >= 200 && statusCode < 300) {
    if (cut) throw new Error(`expected an answer of at most ${ANSWER_BYTES_MAX} bytes, got more`);
    return { kind: 'succeeded', output: parseOutput(body) };
  }
  const error = {
    name: 'HttpStatus',
    message: `expected 2xx from ${target.url}, got ${statusCode}: ${body.slice(0, 500)}`,
  };
  return {
    kind: 'failed',
    error,
    fatal: statusCode >= 300 && statusCode < 500 && !WORTH_ANOTHER_TRY.has(statusCode),
  };
}

async function readBounded(body: Dispatcher.ResponseData['body']): Promise<{ text: string; cut: boolean }> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // Leaving the loop hangs up on the sender.
    if (bytes > ANSWER_BYTES_MAX) return { text: Buffer.concat(chunks).toString('utf8'), cut: true };
    chunks.push(chunk);
  }
  return { text: Buffer.concat(chunks).toString('utf8'), cut: false };
}

/** Header names have no case; ours must win over a tenant's however he writes them. */
function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function parseOutput(body: string): unknown {
  try {
    return body === '' ? null : (JSON.parse(body) as unknown);
  } catch {
    return body; // not JSON, and nobody said that it must be
  }
}
