// How does a test listen to server-sent events? It reads the stream as a browser would, and gives the events that have
// come so far.
import { onTestFinished } from 'vitest';

export interface StreamEvent {
  event: string;
  id: string | null;
  data: unknown;
}

export interface EventStream {
  readonly status: number;
  readonly events: readonly StreamEvent[];
  /** Lines that begin with a colon. */
  readonly comments: readonly string[];
  /** Resolves when the server has ended the stream. */
  readonly ended: Promise<void>;
  hangUp(): void;
}

export async function openStream(url: string, headers: Record<string, string>): Promise<EventStream> {
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const response = await fetch(url, {
    headers: { accept: 'text/event-stream', ...headers },
    signal: abort.signal,
  });
  const events: StreamEvent[] = [];
  const comments: string[] = [];
  const read = async (): Promise<void> => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      const parts = text.split('\n\n');
      text = parts.pop() ?? '';
      for (const part of parts) take(part.split('\n'));
    }
  };
  const take = (lines: readonly string[]): void => {
    comments.push(...lines.filter((line) => line.startsWith(':')));
    const field = (name: string): string | undefined =>
      lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
    const data = field('data');
    if (data === undefined) return;
    events.push({ event: field('event') ?? 'message', id: field('id') ?? null, data: JSON.parse(data) });
  };
  const ended = read().catch((error: unknown) => {
    if (!abort.signal.aborted) throw error;
  });
  ended.catch(() => undefined); // a caller that waits for the end gets the error
  return { status: response.status, events, comments, ended, hangUp: () => abort.abort() };
}
