// Which parts of a heartbeat can be kept? Each part is checked by itself; a part that can't be kept is dropped and
// named in the answer. The heartbeat has already kept the lease: refusing it for its contents would take the work
// from a worker that is doing it.
import { encodeJson } from '#execution/runs/stored-json.js';
import { jsonPointer } from '#kernel/json/json-pointer.js';
import { fieldErrors, show } from '../problems/field-errors.js';
import type { FieldError } from '../problems/problem.js';
import { findUnstorable } from '../requests/storable.js';
import { UnreadBody } from './unread-body.js';
import { heartbeatProgress, type HeartbeatProgress } from './worker.shapes.js';

export interface HeartbeatWords {
  progress: HeartbeatProgress | null;
  detailsJson: string | null;
  dropped: FieldError[];
}

/** At most so many mistakes are reported. */
const DROPPED_MAX = 50;
const KNOWN = new Set(['progress', 'details']);

/** Never throws. */
export function readHeartbeat(body: unknown): HeartbeatWords {
  const words: HeartbeatWords = { progress: null, detailsJson: null, dropped: [] };
  const { dropped } = words;
  if (body instanceof UnreadBody) dropped.push({ pointer: '', detail: body.problem.message });
  else if (typeof body !== 'object' || body === null || Array.isArray(body))
    dropped.push({ pointer: '', detail: `expected an object, got ${show(body)}` });
  else
    for (const [name, part] of Object.entries(body))
      if (KNOWN.has(name) || dropped.length < DROPPED_MAX) readPart(words, name, part);
  return { ...words, dropped: dropped.slice(0, DROPPED_MAX) };
}

function readPart(words: HeartbeatWords, name: string, part: unknown): void {
  const place = (path: readonly PropertyKey[]): string => jsonPointer([name, ...path]);
  const unstorable = findUnstorable(part);
  if (unstorable !== null) words.dropped.push({ pointer: place(unstorable.path), detail: unstorable.detail });
  else if (name === 'progress') {
    const parsed = heartbeatProgress.safeParse(part);
    if (parsed.success) words.progress = parsed.data;
    else words.dropped.push(...fieldErrors(parsed.error.issues, part, place));
  } else if (name === 'details') {
    const encoded = encodeJson(part);
    if (encoded.kind === 'encoded') words.detailsJson = encoded.json;
    else words.dropped.push({ pointer: '/details', detail: encoded.reason });
  } else words.dropped.push({ pointer: place([]), detail: `expected no such field, got ${show(part)}` });
}
