// Are server-sent events read whole, however the network cuts them, and is a stream that has fallen silent given up?
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { eventsOf } from './event-stream.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

function play() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const end = vi.fn<(reason: unknown) => void>((reason) => void writer.abort(reason));
  const events = eventsOf({ body: readable, end, leave: () => undefined });
  return { events, end, writer, write: (text: string) => void writer.write(Buffer.from(text)) };
}

it('events come whole, and comments do not count', async () => {
  const { events, write, writer } = play();
  const text =
    'retry: 2000\n\nevent: log\nid: 7\ndata: {"message":"Grüße"}\n\n: still here\n\nevent: end\ndata: {}\n\n';
  for (const byte of Buffer.from(text)) void writer.write(new Uint8Array([byte]));
  write('event: log\ndata: {"cut":');
  void writer.close();
  const seen = [];
  for await (const event of events) seen.push(event);
  expect(seen).toEqual([
    { event: 'log', data: '{"message":"Grüße"}' },
    { event: 'end', data: '{}' },
  ]);
});

it('a stream that is silent for longer than replicas are is ended', async () => {
  const { events, end, write } = play();
  const next = events.next();
  const failed = next.catch((error: unknown) => error);
  write(': still here\n\n');
  await vi.advanceTimersByTimeAsync(44_000);
  write(': still here\n\n');
  await vi.advanceTimersByTimeAsync(44_000);
  expect(end).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await failed).toEqual(new Error('expected a sign of life within 45000 ms, got none'));
});
