// Shapes that several resources share.
import { ApiParam } from '@nestjs/swagger';
import { z } from 'zod';
import { isInstant } from '#scheduling/decisions/due-times.js';

/** RFC 3339 in UTC with milliseconds; dates are turned into it by JSON itself. */
export const instant = z.iso.datetime().describe('RFC 3339, UTC');

/** With any offset, as long as its year in UTC has four digits, too: no other instant is understood everywhere. */
export const instantInput = z.iso
  .datetime({ offset: true, abort: true, error: 'expected an instant like 2026-11-21T08:30:00Z' })
  .refine((text) => isInstant(new Date(text)), {
    error: 'expected an instant of the years 1 to 9999 in UTC',
  });

/** Needs no escape in a path. No colon, which begins a verb. */
export const resourceName = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?$/,
    'expected 1 to 100 lower-case letters, digits, dots, dashes or underscores, with a letter or digit at both ends',
  );

/** Any version: an id made elsewhere is merely not found. */
export const uuid = z.uuid('expected a UUID');

export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextPageToken: z.string().nullable() });
}

/** Describes the parameter that the guard reads, since no handler declares it. */
export const ApiTenant = () => ApiParam({ name: 'tenant', schema: { type: 'string' } });

/**
 * An object with field names of the caller's choice. They are counted before the first is checked, since each could
 * produce messages of its own.
 */
export function fewFields<Fields extends z.ZodType>(fields: Fields, max: number, what: string) {
  return z.preprocess((given, context) => {
    if (typeof given === 'object' && given !== null && Object.keys(given).length > max)
      context.addIssue({ code: 'custom', message: `expected at most ${max} ${what}`, input: given });
    return given;
  }, fields);
}

/** Any JSON object. */
export const jsonObject = z.record(z.string(), z.unknown());

/** A field that may be left out. Null says the same, so that what was read can be sent again. */
export function orNull<Field extends z.ZodType>(field: Field) {
  return field.nullish().transform((given) => given ?? undefined);
}

export function orNullEach<Fields extends Record<string, z.ZodType>>(fields: Fields) {
  const entries = Object.entries(fields).map(([name, field]) => [name, orNull(field)]);
  // The names and their shapes stay together.
  return Object.fromEntries(entries) as { [Name in keyof Fields]: ReturnType<typeof orNull<Fields[Name]>> };
}

/**
 * One of the forms of an object, each with fields of its own, such as a spec with `cron` or with `everySeconds`. Its schema
 * checks that it has one; what is said here tells callers which forms there are.
 */
export interface Form {
  title: string;
  required: readonly string[];
  optional?: readonly string[];
  /** The values of fields by which the form is known. */
  values?: Readonly<Record<string, readonly string[]>>;
}

export const FORMS = 'x-forms';

/** What is known of a schema: pass it to `.meta()`. */
export const hasForms = (...forms: readonly Form[]) => ({ [FORMS]: forms });

/** Of an object whose other fields depend on its mode. */
export const modeForm = (modes: readonly string[], optional: readonly string[] = []): Form => ({
  title: modes.join(', '),
  required: ['mode'],
  optional,
  values: { mode: modes },
});
