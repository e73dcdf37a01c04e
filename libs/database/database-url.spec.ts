// Is each URL that can't be followed refused with what to do about it, and no password told?
import { describe, expect, it } from 'vitest';
import { problemOfDatabaseUrl, settledDatabaseUrl } from './database-url.js';

describe('the URL of a database', () => {
  it.each([
    ['mysql://h/d', /^expected a postgres:\/\/ URL$/],
    ['postgres://u:hidden@h/d%zz?sslmode=on', /sslmode to be one of disable, allow, .*, got "on"$/],
    [
      'postgres://u:hidden@a:5432,b:5432/d',
      /^expected one host, got several \(a:5432,b:5432\); name one that/,
    ],
    ['postgres://u:hidden@a,b/d?target_session_attrs=read-write', /^expected one host, got several \(a,b\)/],
    ['postgres:///d?host=a,b', /^expected one host, got several \(a,b\)/],
    ['postgres://u:hidden@h:99999/d', /special characters written as %XX$/],
    ['postgres://u:hid#den@h/d', /special characters written as %XX$/],
    ['postgres://h/d?sslmode=verify-ca', /^expected sslrootcert=FILE beside sslmode=verify-ca, got none/],
    [
      'postgres://h/d?sslmode=verify-full&sslrootcert=/no/such.crt',
      /^expected sslrootcert to name a file .* ENOENT/,
    ],
    ['postgres://h/d?sslkey=/no/such.key', /^expected sslkey to name a file/],
  ])('%s is refused with what to do', (url, message) => {
    expect(problemOfDatabaseUrl(url)).toMatch(message);
    expect(problemOfDatabaseUrl(url)).not.toMatch(/hidden/);
  });

  it.each([
    'postgres://h/d',
    'postgresql://u:p@h:5432/d?options=-c%20a=b',
    'postgres://u:p%2C@h/d',
    'postgres:///d?host=/var/run/postgresql',
    'postgres://h/d?sslmode=prefer',
    'postgres://h/d?sslmode=verify-full&sslrootcert=system',
  ])('%s is fine', (url) => {
    expect(problemOfDatabaseUrl(url)).toBeNull();
  });
});

describe('a settled URL', () => {
  it('without a word about TLS stays as it is', () => {
    expect(settledDatabaseUrl('postgres://h/d?options=-c%20a=b')).toBe('postgres://h/d?options=-c%20a=b');
  });

  it('that was settled stays as it is', () => {
    const once = settledDatabaseUrl('postgres://h/d?sslmode=prefer', { usesTls: false });
    expect(once).toMatch(/sslmode=disable/);
    expect(settledDatabaseUrl(once)).toBe(once);
  });

  it("keeps node-postgres's own word", () => {
    expect(settledDatabaseUrl('postgres://h/d?sslmode=no-verify')).toBe('postgres://h/d?sslmode=no-verify');
  });
});
