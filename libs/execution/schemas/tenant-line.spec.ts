import { describe, expect, it } from 'vitest';
import { asId, type TenantId } from '#kernel/ids.js';
import { TenantLine } from './tenant-line.js';

const [a, b, c] = ['a', 'b', 'c'].map((name) => asId.tenant(name)) as [TenantId, TenantId, TenantId];

function lineOf(places: number) {
  const line = new TenantLine(places);
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  return {
    line,
    begun,
    ask: (name: string, tenantId: TenantId) =>
      void line.serve({ tenantId, weight: 10 }, (place) => {
        begun.push(`${name}@${place}`);
        return new Promise<void>((resolve) => ends.set(name, resolve));
      }),
    end: async (name: string) => {
      ends.get(name)?.();
      await new Promise(setImmediate);
    },
    turn: () => new Promise(setImmediate),
  };
}

describe('a line of tenants', () => {
  it('serves one of each tenant at a time, and the tenants in turn', async () => {
    const { ask, end, turn, begun, line } = lineOf(2);
    for (const name of ['a1', 'a2', 'a3']) ask(name, a);
    await turn();
    expect(begun).toEqual(['a1@0']);
    ask('b1', b);
    ask('c1', c);
    ask('b2', b);
    await turn();
    expect(begun).toEqual(['a1@0', 'b1@1']);
    expect([line.weightOf(a), line.weightOf(b), line.weightOf(c)]).toEqual([20, 10, 10]);
    await end('b1');
    expect(begun.at(-1)).toBe('c1@1');
    await end('c1');
    expect(begun.at(-1)).toBe('b2@1');
    await end('a1');
    await end('a2');
    expect(begun.slice(4)).toEqual(['a2@0', 'a3@0']);
    expect(line.weightOf(a)).toBe(0);
  });

  it('goes on after one that failed', async () => {
    const line = new TenantLine(1);
    const wish = { tenantId: a, weight: 1 };
    await expect(line.serve(wish, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await line.serve(wish, async (place) => place)).toBe(0);
  });
});
