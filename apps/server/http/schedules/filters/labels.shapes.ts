// The shape of a schedule's labels in requests and answers.
import { z } from 'zod';
import { fewFields } from '../../requests/shapes.js';
import { mergeObject } from '../../requests/merge-patch.js';
import { invalidField } from '../../problems/problem.js';

const LABELS_MAX = 20;
const VALUE_CHARACTERS_MAX = 63;
const KEY = /^[a-z0-9._/-]{1,63}$/;

export const labelKey = z
  .string()
  .regex(KEY, 'expected 1 to 63 lower-case letters, digits, dots, dashes, underscores or slashes');
export const labelValue = z.string().max(VALUE_CHARACTERS_MAX);

/** By which lists and acts on many find it. */
export const labelsInput = fewFields(z.record(labelKey, labelValue), LABELS_MAX, 'labels');
export const labelsPatch = fewFields(z.record(labelKey, labelValue.nullable()), 2 * LABELS_MAX, 'labels');
export const labels = z.record(z.string(), z.string());

type Labels = Readonly<Record<string, string>>;

/** Undefined when the patch leaves them as they are. Throws a problem when it makes too many. */
export function patchedLabels(
  { labels: patch }: { labels?: Readonly<Record<string, string | null>> | null | undefined },
  current: { labels: Labels },
): Labels | undefined {
  if (patch === undefined) return undefined;
  if (patch === null) return {};
  const merged = labels.parse(mergeObject(current.labels, patch));
  const { length } = Object.keys(merged);
  if (length <= LABELS_MAX) return merged;
  throw invalidField('/labels', `expected at most ${LABELS_MAX} labels in all, got ${length}`);
}
