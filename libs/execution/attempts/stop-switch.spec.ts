// Is an attempt told to stop once, with the first of all reasons?
import { describe, expect, it } from 'vitest';
import { StopSwitch } from './stop-switch.js';

describe('a switch', () => {
  it.each(['before', 'after'])('shows its signal thrown when it was asked for %s that', (when) => {
    const stop = new StopSwitch();
    const early = when === 'before' ? stop.signal : null;
    const first = new Error('first');
    stop.abort(first);
    stop.abort(new Error('second'));
    const { signal } = stop;
    expect([signal.aborted, signal.reason, early ?? signal]).toEqual([true, first, signal]);
    expect([stop.aborted, stop.reason]).toEqual([true, first]);
    expect(() => stop.throwIfAborted()).toThrow(first);
  });

  it('has the same signal each time, not aborted until it is thrown', () => {
    const stop = new StopSwitch();
    expect(stop.signal).toBe(stop.signal);
    expect([stop.aborted, stop.signal.aborted, stop.reason]).toEqual([false, false, undefined]);
    expect(() => stop.throwIfAborted()).not.toThrow();
  });

  it.each(['before', 'after'])('tells a listener that came %s it was thrown, once', (when) => {
    const stop = new StopSwitch();
    let told = 0;
    const listen = (): void => stop.whenThrown(() => (told += 1));
    if (when === 'before') listen();
    stop.abort();
    if (when === 'after') listen();
    stop.abort();
    expect(told).toBe(1);
  });
});
