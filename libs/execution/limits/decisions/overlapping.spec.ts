// Does each policy drop what it should, and nothing else?
import { expect, it } from 'vitest';
import { overlapping, type WaitingRun } from './overlapping.js';

const due = (name: string): WaitingRun & { name: string } => ({ name, attempt: 1 });
const retry = (name: string): WaitingRun & { name: string } => ({ name, attempt: 2 });
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

it('replaces the running one, and all that wait but the last', () => {
  const r = retry('r');
  expect(overlapping({ mode: 'replace' }, [r, a, b])).toEqual({ dropped: [r, a], replaces: true });
  expect(overlapping({ mode: 'replace' }, [b])).toEqual({ dropped: [], replaces: true });
});

it('replaces nothing for a retry', () => {
  expect(overlapping({ mode: 'replace' }, [retry('r')])).toEqual({ dropped: [], replaces: false });
});
