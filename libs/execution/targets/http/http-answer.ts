// Reads an endpoint's answer, up to a limit. The limit holds for the bytes from the network and again for the unpacked
// bytes, so a small answer that would fill the memory is cut off as soon as it passes the limit. Calls ask for an
// uncompressed answer; a compressed one is unpacked all the same. An answer that can't be read is an outcome and no
// error to retry, since the same endpoint will hardly answer otherwise the next time.
import type { IncomingMessage } from 'node:http';
import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { parseExactJson } from '#kernel/json/exact-json.js';
import { jsonPointer } from '#kernel/json/json-pointer.js';

const ANSWER_BYTES_MAX = 256 * 1024;

export type Answer =
  | { kind: 'whole'; bytes: Buffer }
  /** `why` continues the sentence "expected an answer …". */
  | { kind: 'unfit'; why: string; bytes: Buffer };

export type Output = { kind: 'output'; value: unknown } | { kind: 'unfit'; why: string };

/** Rejects when the connection breaks. */
export async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const coding = (response.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const unpacker = unpackerOf(coding);
  if (unpacker === undefined) {
    response.destroy();
    const why = `that is not compressed, or by gzip, deflate or br, got ${coding.slice(0, 100)}`;
    return { kind: 'unfit', why, bytes: Buffer.alloc(0) };
  }
  const packed = await readBounded(response);
  if (packed.kind === 'unfit' || unpacker === null || packed.bytes.length === 0) return packed;
  try {
    unpacker.end(packed.bytes);
    return await readBounded(unpacker);
  } catch {
    return {
      kind: 'unfit',
      why: `that is compressed by ${coding}, got one that is not`,
      bytes: Buffer.alloc(0),
    };
  }
}

/** For an error's text: bytes that can't be read are replaced. */
export function lenientText({ bytes }: Answer): string {
  return new TextDecoder().decode(bytes);
}

/** The parsed JSON, or else the text itself. */
export function outputOf(answer: Answer, contentType: string | undefined): Output {
  if (answer.kind === 'unfit') return answer;
  const charset = /;\s*charset\s*=\s*"?([^\s;"]{1,40})/i.exec(contentType ?? '')?.[1] ?? 'utf-8';
  const text = decode(answer.bytes, charset);
  if (text === undefined) return { kind: 'unfit', why: `in ${charset}, got bytes that are not` };
  if (text === '') return { kind: 'output', value: null };
  const parsed = parseExactJson(text);
  switch (parsed.kind) {
    case 'parsed':
      return { kind: 'output', value: parsed.value };
    case 'refused':
      return {
        kind: 'unfit',
        why: `that can be kept as it is: at ${jsonPointer(parsed.path) || '/'}, ${parsed.detail}`,
      };
    case 'malformed':
      return { kind: 'output', value: text }; // not JSON, which no rule requires
  }
}

/** Without a byte order mark. Undefined when there is no such encoding, or the bytes are not in it. */
function decode(bytes: Buffer, charset: string): string | undefined {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Null when there is nothing to unpack, undefined for an unknown coding. */
function unpackerOf(coding: string): Transform | null | undefined {
  switch (coding) {
    case '':
    case 'identity':
      return null;
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      return undefined;
  }
}

async function readBounded(source: AsyncIterable<Buffer>): Promise<Answer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    // Leaving the loop destroys the connection.
    if (bytes > ANSWER_BYTES_MAX)
      return {
        kind: 'unfit',
        why: `of at most ${ANSWER_BYTES_MAX} bytes, got more`,
        bytes: Buffer.concat(chunks),
      };
    chunks.push(chunk);
  }
  return { kind: 'whole', bytes: Buffer.concat(chunks) };
}
