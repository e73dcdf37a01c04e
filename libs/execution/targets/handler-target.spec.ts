// Does a handler see only payloads that fit, and does its job's record tell what came of it?
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineJob, type JobContext, type JobHandlerFunction } from '#client/jobs/job-definition.js';
import { claimedRun, jobContext } from '#test/support/builders.js';
import { HandlerRegistry } from './handler-registry.js';
import { callHandler, describeIssues } from './handler-target.js';

const payload = z.object({
  invoice: z.string(),
  lines: z.array(z.object({ price: z.number() })).default([]),
});

/** Calls the only handler of a process with a run of this payload. */
function call(given: unknown, { handle = (): unknown => undefined, handler = 'invoice.send' } = {}) {
  const registry = new HandlerRegistry();
  // What the schema lets through is what the handler takes; the registry forgets that type.
  const typed = handle as JobHandlerFunction<unknown>;
  registry.register({ definition: defineJob({ name: 'invoice.send', payload }), handle: typed });
  const run = claimedRun({ payload: given });
  return callHandler({ registry, handler, run, context: jobContext(run) });
}

describe('a handler', () => {
  it('gets the payload as its schema makes it, and the context as it is', async () => {
    const seen: unknown[] = [];
    const handle = (job?: unknown, context?: unknown): void => void seen.push(job, context);
    await call({ invoice: 'R-1' }, { handle });
    expect(seen).toEqual([
      { payload: { invoice: 'R-1', lines: [] } },
      expect.objectContaining({ attempt: 1, dueAt: null } satisfies Partial<JobContext>),
    ]);
  });

  it.each([
    ['its value', () => ({ sent: 3 }), { sent: 3 }],
    ['what it promised', async () => 'sent', 'sent'],
    ['null, if it returned nothing', () => undefined, null],
    ['a value that is not much', () => 0, 0],
  ])('makes for an output: %s', async (_what, handle, output) => {
    expect(await call({ invoice: 'R-1' }, { handle })).toEqual({ kind: 'succeeded', output });
  });

  it('is not called with a payload that does not fit, which no other attempt would mend', async () => {
    let called = 0;
    const result = await call({ lines: [{ price: 'much' }] }, { handle: () => (called += 1) });
    expect(called).toBe(0);
    expect(result).toMatchObject({ kind: 'failed', fatal: true, error: { name: 'InvalidPayload' } });
    expect(result).toMatchObject({
      error: {
        message: expect.stringMatching(/invoice\.send: \/invoice: .*; \/lines\/0\/price: /) as unknown,
      },
    });
  });

  it('that this process lacks may be in another: the run is tried again', async () => {
    expect(await call({}, { handler: 'invoice.remind' })).toEqual({
      kind: 'failed',
      fatal: false,
      error: {
        name: 'HandlerMissing',
        message:
          'expected a handler for job invoice.remind in this replica, found none; start it with CARILLON_HANDLERS, then retry the run',
      },
    });
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no ink');
      },
    ],
    ['rejects', async () => Promise.reject(new Error('no ink'))],
  ])('that %s is not caught here: the attempt makes a result of it', async (_how, handle) => {
    await expect(call({ invoice: 'R-1' }, { handle })).rejects.toThrow('no ink');
  });
});

describe('a mismatch', () => {
  it.each([
    [['lines', 0, 'price'], '/lines/0/price'],
    [[{ key: 'lines' }, { key: 1 }], '/lines/1'],
    [['a/b', 'c~d', '~1'], '/a~1b/c~0d/~01'],
    [[], '/'],
    [undefined, '/'],
  ])('at %o is pointed at as %s', (path, pointer) => {
    expect(describeIssues([{ message: 'wrong', path }])).toBe(`${pointer}: wrong`);
  });

  it('is told with its place, and so are the others', () => {
    const issues = [
      { message: 'expected a string', path: ['invoice'] },
      { message: 'expected a number', path: ['lines', 2] },
    ];
    expect(describeIssues(issues)).toBe('/invoice: expected a string; /lines/2: expected a number');
  });
});
