// Reads server-sent events, in the form in which replicas write them.
import { rest } from '#client/worker/worker-calls.js';
import type { EventAnswer } from '../client-calls.js';

export interface StreamEvent {
  event: string;
  /** JSON. */
  data: string;
}

/** Replicas write every 15 seconds at the latest, so a longer silence is that of a connection that is gone. */
const SILENCE_MS = 45_000;

/** Ends as the stream ends, or rejects as it breaks. */
export async function* eventsOf({ body, end }: EventAnswer): AsyncGenerator<StreamEvent, void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const { done, value } = await readInTime(reader, end);
    if (done) return;
    text += decoder.decode(value, { stream: true });
    const parts = text.split('\n\n');
    text = parts.pop() ?? '';
    for (const part of parts) {
      const event = eventIn(part);
      if (event !== null) yield event;
    }
  }
}

async function readInTime(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  end: EventAnswer['end'],
): Promise<{ done: boolean; value?: Uint8Array | undefined }> {
  const read = new AbortController();
  void endSilent(end, read.signal);
  try {
    return await reader.read();
  } finally {
    read.abort();
  }
}

async function endSilent(end: EventAnswer['end'], read: AbortSignal): Promise<void> {
  await rest(SILENCE_MS, read);
  if (!read.aborted) end(new Error(`expected a sign of life within ${SILENCE_MS} ms, got none`));
}

/** Null for a comment. */
function eventIn(part: string): StreamEvent | null {
  const lines = part.split('\n');
  const field = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
  const data = field('data');
  return data === undefined ? null : { event: field('event') ?? 'message', data };
}
