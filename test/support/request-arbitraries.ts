// What might a client send? Values that are nearly right, or nothing like it, for every field of a request.
import fc from 'fast-check';

/** Any text at all, with the characters that break things made likely. */
export const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    '\0',
    'a\0b',
    '\ud800',
    '\udfff',
    '\ufeff',
    '\u2028',
    "'; drop table carillon.run; --",
    '__proto__',
    'constructor',
    'hasOwnProperty',
    '..',
    '%00',
    '*',
    '${1}',
    '\r\n',
  ),
);
export const number = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true }),
  fc.constantFrom(0, -0, -1, 1e308, 5e-324, 2 ** 31, 2 ** 53, 1e21, 32_768),
);
export const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    number,
    text,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4 }),
  ),
})).value;
export const name = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^[a-z0-9]([a-z0-9._-]{0,20}[a-z0-9])?$/) },
  { weight: 1, arbitrary: text },
);
export const payload = fc.oneof(fc.constant({}), fc.dictionary(text, json));
const instant = fc.oneof(
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  fc.constantFrom(
    '2099-01-01T00:00:00Z',
    '2099-01-01T00:00:00.123456789+14:00',
    '0001-01-01T00:00:00Z',
    '9999-12-31T23:59:59-23:59',
    '2099-01-01T24:00:00Z',
    '2099-06-31T00:00:00Z',
    '+010000-01-01T00:00:00Z',
  ),
  text,
);
export const jobType = fc.constantFrom('noop', 'echo', 'echo', 'sleep', 'fail', 'record');
const cronField = fc.oneof(
  fc.constantFrom(
    '*',
    '*/7',
    '0',
    '1-5',
    '1,2',
    'L',
    'W',
    'LW',
    '15W',
    '5#2',
    '5L',
    'MON',
    'JAN',
    '?',
    '99',
    '-1',
    '*/0',
    '1-',
    '5-1',
  ),
  text,
);
const specs = {
  cron: fc.oneof(
    fc.array(cronField, { maxLength: 7 }).map((fields) => fields.join(' ')),
    fc.constantFrom('@daily', '@never', '0 0 29 2 *', '0 0 31 9 *'),
  ),
  everySeconds: fc.oneof(fc.integer({ min: 3_600, max: 31_536_000 }), number),
  rrule: fc
    .array(
      fc.constantFrom(
        'FREQ=DAILY',
        'FREQ=MONTHLY',
        'FREQ=YEARLY',
        'FREQ=HOURLY',
        'INTERVAL=2',
        'BYDAY=2TU,-1FR',
        'BYMONTHDAY=-1',
        'BYMONTH=2',
        'BYSETPOS=-1',
        'BYHOUR=25',
        'COUNT=3',
        'x',
      ),
      { maxLength: 4 },
    )
    .map((parts) => parts.join(';')),
  at: fc.oneof(instant, fc.array(instant, { maxLength: 3 })),
  afterSuccessOf: fc.constantFrom('known', 'unknown'),
  delaySeconds: fc.oneof(fc.integer({ min: 3_600, max: 31_536_000 }), number),
};
const oneSpec = fc.oneof(
  fc.integer({ min: 3_600, max: 31_536_000 }).map((everySeconds) => ({ everySeconds })),
  ...Object.entries(specs).map(([kind, value]) => value.map((given) => ({ [kind]: given }))),
  fc.record(specs, { requiredKeys: [] }),
);
export const spec = fc.oneof(
  { weight: 3, arbitrary: oneSpec },
  fc.array(oneSpec, { maxLength: 4 }).map((anyOf) => ({ anyOf })),
);

/** A body whose fields are mostly of the right kind, with some left out, some replaced and some added. */
export function nearly(fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Record<string, unknown>> {
  const right = fc.oneof(fc.record(fields), fc.record(fields, { requiredKeys: [] }));
  const wrong = fc.dictionary(fc.oneof(fc.constantFrom(...Object.keys(fields)), text), json, { maxKeys: 2 });
  return fc.oneof(
    { weight: 4, arbitrary: right },
    { weight: 3, arbitrary: fc.tuple(right, wrong).map(([some, more]) => ({ ...some, ...more })) },
    { weight: 1, arbitrary: wrong },
  );
}

/** All that can be said of a run; with so much of it, a body that is right is rare unless it says little. */
const wholeRun = nearly({
  jobType,
  payload: json,
  priority: fc.oneof(fc.integer({ min: -100, max: 100 }), number),
  queue: name,
  concurrencyKey: text,
  tags: fc.array(text, { maxLength: 3 }),
  overlap: nearly({
    mode: fc.constantFrom('allow', 'skip', 'queue', 'replace', 'latest', 'ask'),
    max: fc.oneof(fc.integer({ min: 1, max: 10 }), number),
  }),
  order: fc.constantFrom('any', 'strict', 'ask'),
  debounce: nearly({
    key: fc.oneof(fc.constantFrom('a', 'b'), text),
    delaySeconds: fc.oneof(fc.integer({ min: 1, max: 10 }), number),
    maxDelaySeconds: fc.oneof(fc.integer({ min: 10, max: 20 }), number),
  }),
  unique: nearly({
    key: fc.oneof(fc.constantFrom('a', 'b'), text),
    windowSeconds: fc.oneof(fc.integer({ min: 1, max: 10 }), number),
    onConflict: fc.constantFrom('return', 'replace', 'reject', 'ask'),
  }),
  deadline: instant,
  runAt: instant,
  delaySeconds: number,
});

export const run = fc.oneof(
  { weight: 4, arbitrary: wholeRun },
  { weight: 1, arbitrary: nearly({ jobType, payload: json }) },
);
