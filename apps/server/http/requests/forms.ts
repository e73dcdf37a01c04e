// An object may have one of several forms, each with fields of its own, such as a spec with `cron` or with `everySeconds`.
// Its schema checks that it has one; what is said here tells callers which forms there are.

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
