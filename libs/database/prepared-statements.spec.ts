import { describe, expect, it, vi } from 'vitest';
import { PreparedStatements, PreparedStatementsLostError } from './prepared-statements.js';

const text = 'select id from carillon.run where id = $1';

function repeated(statements: PreparedStatements, sent = text): string | null {
  for (let times = 0; times < 10; times += 1) statements.nameOf(sent);
  return statements.nameOf(sent);
}

function failure(code: string, routine: string): Error {
  return Object.assign(new Error('as the server says it'), { code, routine });
}

describe('a statement that is repeated', () => {
  it('has a name from the third time on, and always the same', () => {
    const statements = new PreparedStatements(() => undefined);
    const names = [1, 2, 3, 4].map(() => statements.nameOf(text));
    expect(names).toEqual([null, null, expect.stringMatching(/^carillon_\w{1,40}$/), names[2]]);
    expect(repeated(new PreparedStatements(() => undefined))).toBe(names[2]);
    expect(repeated(statements, `${text} limit 1`)).not.toBe(names[2]);
  });

  it.each([
    ["a handler's", 'insert into invoice (id) values ($1)'],
    ['with one text for several questions', `${text} and ($2::uuid is null or tenant_id = $2::uuid)`],
    ['the end of a transaction', 'commit'],
  ])('has none: %s', (_, sent) => {
    expect(repeated(new PreparedStatements(() => undefined), sent)).toBeNull();
  });

  it('has none once very many have one', () => {
    const statements = new PreparedStatements(() => undefined);
    const names = Array.from({ length: 5_000 }, (_, n) => repeated(statements, `${text} limit ${n}`));
    const named = names.filter((name) => name !== null);
    expect(named.length).toBe(300);
    expect(new Set(named).size).toBe(300);
    expect(repeated(statements, `${text} limit 0`)).toBe(names[0]);
  });
});

describe('a named statement that failed', () => {
  it('gets another name if its plan no longer fits its columns, each time', () => {
    const statements = new PreparedStatements(() => undefined);
    const names = [repeated(statements)];
    for (let times = 0; times < 3; times += 1) {
      expect(statements.hasFailed(text, failure('0A000', 'RevalidateCachedQuery'))).toBe(true);
      names.push(statements.nameOf(text));
    }
    expect(new Set(names).size).toBe(4);
  });

  it.each(['26000', '42P05'])(
    'gives up all names, and says so once, if the session is another: %s',
    (code) => {
      const onGivenUp = vi.fn<(error: Error) => void>();
      const statements = new PreparedStatements(onGivenUp);
      repeated(statements);
      for (let times = 0; times < 3; times += 1)
        expect(statements.hasFailed(text, failure(code, 'FetchPreparedStatement'))).toBe(true);
      expect(repeated(statements)).toBeNull();
      expect(onGivenUp.mock.calls).toEqual([[expect.any(PreparedStatementsLostError)]]);
    },
  );

  it.each([
    ['a key that exists', '23505', '_bt_check_unique'],
    ['something that is not supported', '0A000', 'transformFromClause'],
  ])('keeps it when the reason is another: %s', (_, code, routine) => {
    const statements = new PreparedStatements(() => undefined);
    const name = repeated(statements);
    expect(statements.hasFailed(text, failure(code, routine))).toBe(false);
    expect(statements.nameOf(text)).toBe(name);
  });
});
