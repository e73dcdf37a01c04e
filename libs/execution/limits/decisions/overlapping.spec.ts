// Does each policy drop what it should, and nothing else?
import { expect, it } from 'vitest';
import { overlapping, type WaitingRun } from './overlapping.js';

type Named = WaitingRun & { name: string };
const due = (name: string, second = 0): Named => ({ name, attempt: 1, runAt: at(second), id: name });
const retry = (name: string): Named => ({ name, attempt: 2, runAt: at(0), id: name });
const at = (second: number) => new Date(second * 1_000);
const [a, b, c] = [due('a'), due('b'), due('c')] as const;

it('skips what is due while another run is running, and no retry', () => {
  expect(overlapping({ mode: 'skip' }, [a])).toEqual({ dropped: [a], replaces: false });
  expect(overlapping({ mode: 'skip' }, [retry('r'), a, b])).toEqual({ dropped: [a, b], replaces: false });
  expect(overlapping({ mode: 'skip' }, [])).toEqual({ dropped: [], replaces: false });
});

it('lets as many wait as the queue takes, the first ones', () => {
  expect(overlapping({ mode: 'queue', max: 2 }, [a, b])).toEqual({ dropped: [], replaces: false });
  expect(overlapping({ mode: 'queue', max: 2 }, [retry('r'), a, b, c])).toEqual({
    dropped: [c],
    replaces: false,
  });
});

it('lets all wait where the queue has no bound', () => {
  expect(overlapping({ mode: 'queue', max: null }, [a, b, c])).toEqual({ dropped: [], replaces: false });
});

it('replaces the running one, and all that wait but the last', () => {
  const r = retry('r');
  expect(overlapping({ mode: 'replace' }, [r, a, b])).toEqual({ dropped: [r, a], replaces: true });
  expect(overlapping({ mode: 'replace' }, [b])).toEqual({ dropped: [], replaces: true });
});

it('replaces nothing for a retry', () => {
  expect(overlapping({ mode: 'replace' }, [retry('r')])).toEqual({ dropped: [], replaces: false });
  expect(overlapping({ mode: 'latest' }, [retry('r')])).toEqual({ dropped: [], replaces: false });
});

it('keeps the latest of those that wait, and lets the running one go on', () => {
  const r = retry('r');
  expect(overlapping({ mode: 'latest' }, [r, a, b])).toEqual({ dropped: [r, a], replaces: false });
  expect(overlapping({ mode: 'latest' }, [a])).toEqual({ dropped: [], replaces: false });
});

it('takes for the latest the one that came to be due last, and of two at once the one made last', () => {
  const [urgent, early, late] = [due('z', 9), due('x', 3), due('y', 7)];
  expect(overlapping({ mode: 'latest' }, [urgent, early, late]).dropped).toEqual([early, late]);
  expect(overlapping({ mode: 'latest' }, [b, a, c]).dropped).toEqual([b, a]);
});
