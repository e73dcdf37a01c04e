// Is a statement that has changed refused, and is there a golden text for each statement that the simulation knows?
import { describe, expect, it } from 'vitest';
import { goldenTexts, isUpdatingGolden, layOut } from './golden-texts.js';
import { STATEMENT_NAMES, StatementBook } from './statement-book.js';

const book = new StatementBook(new Set());
/** As a repository would send it: its first line stands at the margin. */
const sent = (text: string) => `\n${text}`;
const closeClaims = goldenTexts().get('closeClaims')?.[0] ?? '';

describe('the golden texts', () => {
  it('are there for each meaning, and for nothing else', () => {
    expect([...goldenTexts().keys()].toSorted()).toEqual(STATEMENT_NAMES.toSorted());
  });

  it.each([...goldenTexts()].map(([name, texts]) => ({ name, texts })))(
    '$name has its meaning',
    ({ name, texts }) => {
      for (const text of texts) expect(book.nameOf(sent(text))).toBe(name);
    },
  );

  it('lay a text of one line out with one clause a line, and fold what is too long', () => {
    expect(layOut('select (select 1 from a) as x from b where c = 1 order by d')).toBe(
      'select (select 1 from a) as x\nfrom b\nwhere c = 1\norder by d',
    );
    const lines = layOut(`select ${Array.from({ length: 60 }, (_, n) => `column_${n}`).join(', ')}`).split(
      '\n',
    );
    expect(lines.length).toBeGreaterThan(5);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120);
  });

  it('keep a text as its repository has laid it out, without its margin', () => {
    expect(layOut('\n      select a\n        from b\n       where c')).toBe('select a\n  from b\n where c');
  });
});

describe.skipIf(isUpdatingGolden)('a text that is not golden', () => {
  it.each([
    ['one more condition', `${closeClaims} and true`],
    ['another layout', closeClaims.replace('\nwhere ', '\n where ')],
  ])('is refused for %s', (_, text) => {
    expect(text).not.toBe(closeClaims);
    expect(() => book.nameOf(sent(text))).toThrow('the SQL of closeClaims has changed');
  });
});
