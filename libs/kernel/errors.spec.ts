// Do our own errors tell what they are and what they met?
import { describe, expect, it } from 'vitest';
import { ConfigError, unreachable } from './errors.js';

describe('errors', () => {
  it('of a setting are told from all others by their class and by their name in a log', () => {
    const error = new ConfigError('deadAfterMs must be at least 3000, got 1000');
    expect(error).toBeInstanceOf(ConfigError);
    expect(String(error)).toBe('ConfigError: deadAfterMs must be at least 3000, got 1000');
  });

  it('of a case that the compiler thought impossible show the value that came', () => {
    const fromOutside = { kind: 'carrier-pigeon' } as never; // what a newer release may have stored
    expect(() => unreachable(fromOutside)).toThrow('got {"kind":"carrier-pigeon"}');
  });
});
