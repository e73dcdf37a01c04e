// Is there one handler for each job, and no doubt about which?
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineJob } from '#client/jobs/job-definition.js';
import { ConfigError } from '#kernel/errors.js';
import { HandlerRegistry } from './handler-registry.js';

const handlerOf = (name: string) => ({
  definition: defineJob({ name, payload: z.unknown() }),
  handle: () => name,
});

describe('the handlers of a process', () => {
  it('are found by the name of their job', () => {
    const registry = new HandlerRegistry();
    const [send, remind] = [handlerOf('invoice.send'), handlerOf('invoice.remind')];
    registry.register(send);
    registry.register(remind);
    expect(registry.find('invoice.remind')).toBe(remind);
    expect(registry.find('invoice')).toBeUndefined();
    expect(registry.all()).toEqual([send, remind]);
  });

  it('are one for each job: a second one is refused, and the first stays', () => {
    const registry = new HandlerRegistry();
    const first = handlerOf('invoice.send');
    registry.register(first);
    expect(() => registry.register(handlerOf('invoice.send'))).toThrow(
      new ConfigError('expected one handler for job invoice.send, got two'),
    );
    expect(registry.find('invoice.send')).toBe(first);
  });
});
