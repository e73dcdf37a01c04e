// Is the person who starts a worker told what is wrong, and not more often than can be read?
import { expect, it } from 'vitest';
import { refuseOldNode, showErrors } from './worker-process.js';

it('the first error is shown at once, and then one in ten seconds with how many were not', () => {
  const shown: string[] = [];
  let nowMs = 0;
  const onError = showErrors({ nowMs: () => nowMs, show: (text) => shown.push(text) });
  for (nowMs = 0; nowMs <= 10_000; nowMs += 1_000) onError(new Error('nobody there'));
  expect(shown).toEqual([
    'carillon worker: nobody there; it goes on',
    'carillon worker: nobody there; it goes on (and 9 more errors before)',
  ]);
});

it('Node 18 is refused, and a Node that the package promises is not', () => {
  expect(() => refuseOldNode('18.20.0')).toThrow(
    'expected Node 20.19 or newer for a worker of Carillon, got 18.20.0',
  );
  expect(() => refuseOldNode('20.18.3')).toThrow('expected Node 20.19 or newer');
  for (const version of ['20.19.0', '22.0.0', '24.1.0']) refuseOldNode(version);
});
