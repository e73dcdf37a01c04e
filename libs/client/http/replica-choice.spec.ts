// Which replica is asked, and where may an answer lead a client that carries a key?
import { describe, expect, it } from 'vitest';
import { ReplicaChoice } from './replica-choice.js';

const ONE = 'https://one.example.com';
const TWO = 'https://two.example.com/carillon';
const choice = (origins: string[] = []) => new ReplicaChoice([ONE, TWO], new Set(origins));
const first = (of: ReplicaChoice) => of.next(new Set());

describe('the next replica', () => {
  it('is the one that worked last, then each of the others once', () => {
    const replicas = choice();
    expect(first(replicas)).toBe(ONE);
    expect(first(replicas)).toBe(ONE);
    expect(replicas.next(new Set([ONE]))).toBe(TWO);
    expect(replicas.next(new Set([ONE, TWO]))).toBeNull();
    replicas.failed(ONE);
    expect(first(replicas)).toBe(TWO);
    replicas.failed(TWO);
    expect(first(replicas)).toBe(ONE);
  });

  it('is not changed twice by calls that failed together', () => {
    const replicas = choice();
    replicas.failed(ONE);
    replicas.failed(ONE);
    expect(first(replicas)).toBe(TWO);
  });

  it('is the one that an answer has named, until that fails', () => {
    const replicas = choice();
    replicas.named(`${TWO}/`);
    expect(first(replicas)).toBe(TWO);
    expect(replicas.next(new Set([TWO]))).toBe(ONE);
    replicas.failed(TWO);
    expect(first(replicas)).toBe(ONE);
  });

  it('is not for a while the one that is named again after it failed', () => {
    const replicas = choice();
    replicas.named(TWO);
    replicas.failed(TWO);
    for (let namings = 1; namings < 100; namings += 1) replicas.named(TWO);
    expect(first(replicas)).toBe(ONE);
    replicas.named(TWO);
    expect(first(replicas)).toBe(TWO);
  });

  it('is none within the URL of a blob', () => {
    const replicas = choice(['https://three.example.com']);
    replicas.named('blob:https://three.example.com/x');
    expect(first(replicas)).toBe(ONE);
  });

  it('may be at an origin that the caller trusts', () => {
    const replicas = choice(['https://three.example.com']);
    replicas.named('https://three.example.com/carillon/');
    expect(first(replicas)).toBe('https://three.example.com/carillon');
  });
});

describe('an answer that names another place changes nothing', () => {
  it.each([
    'https://evil.example.com',
    'https://one.example.com.evil.example.com',
    'https://one.example.com@evil.example.com',
    'https://one.example.com:8443',
    'http://one.example.com',
    'http://three.example.com',
    'https://three.example.com:444/',
    // Its origin hosts other things than replicas, as far as the caller has said.
    'https://one.example.com/other',
    'javascript:alert(1)',
    '//evil.example.com',
    'https://',
    'none',
    '',
  ])('%s', (url) => {
    const replicas = choice(['https://three.example.com']);
    replicas.named(url);
    expect(first(replicas)).toBe(ONE);
  });
});

it('a user in a URL is left behind', () => {
  const replicas = choice();
  replicas.named('https://user:password@two.example.com/carillon?a=b#c');
  expect(first(replicas)).toBe(TWO);
});
