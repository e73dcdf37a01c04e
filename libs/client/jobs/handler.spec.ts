// What may a handler return, as the compiler sees it? `npm run types` fails where it does not.
import { expect, it } from 'vitest';
import { z } from 'zod';
import { handler, isExportedHandler } from './handler.js';
import { defineJob } from './job-definition.js';

it('returns what its job promises, and anything where it promises nothing', () => {
  const payload = z.object({ text: z.string() });
  const free = defineJob({ name: 'free', payload });
  const bound = defineJob({ name: 'bound', payload, output: z.object({ words: z.int() }) });
  const handlers = [
    handler(free, () => undefined),
    handler(free, async ({ payload: { text } }) => text.length),
    handler(bound, ({ payload: { text } }) => ({ words: text.split(' ').length })),
    // @ts-expect-error -- the job says that words are counted
    handler(bound, () => ({ words: 'three' })),
  ];
  expect(handlers.every(isExportedHandler)).toBe(true);
});
