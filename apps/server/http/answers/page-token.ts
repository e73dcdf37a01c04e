// Where does the next page begin? The token carries the key of the last row, signed together with the list's filter,
// so only this installation can make it and it fits only that list. Every replica accepts every other's, since the
// secret is the installation's.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { ProblemError } from '../problems/problem.js';
import { inDigits } from './in-digits.js';

const DEFAULT_PAGE_SIZE = 50;

export const pageQuery = {
  pageSize: inDigits(z.int().min(1).max(200))
    .default(DEFAULT_PAGE_SIZE)
    .describe(
      'A page ends early, with a nextPageToken, once its rows have 1 MiB of JSON; it has at least one row.',
    ),
  pageToken: z.string().max(1_000).optional(),
};

export interface Page<Item> {
  items: Item[];
  nextPageToken: string | null;
}

const SIGNATURE_BYTES = 12;

export class PageTokens {
  constructor(private readonly secret: Buffer) {}

  /** The key that the token carries, or null without a token. Throws a problem for a token of another list. */
  open(token: string | undefined, filter: object): string | null {
    if (token === undefined) return null;
    const bytes = Buffer.from(token, 'base64url');
    const key = bytes.subarray(SIGNATURE_BYTES).toString('utf8');
    const signature = bytes.subarray(0, SIGNATURE_BYTES);
    if (signature.length === SIGNATURE_BYTES && timingSafeEqual(signature, this.#sign(key, filter)))
      return key;
    throw new ProblemError(
      'invalid-page-token',
      'expected a nextPageToken of a list with the same filter, got another',
    );
  }

  /** `rows` holds one more than the page, if there is one more and the page was not cut. */
  page<Row, Item>(
    rows: readonly Row[],
    { size, filter, keyOf, show, isCut = false, lookedUntil = null }: PageShape<Row, Item>,
  ): Page<Item> {
    const shown = rows.slice(0, size);
    const last = shown.at(-1);
    const end = (isCut || rows.length > size) && last !== undefined ? keyOf(last) : lookedUntil;
    return { items: shown.map(show), nextPageToken: end === null ? null : this.#seal(end, filter) };
  }

  #seal(key: string, filter: object): string {
    return Buffer.concat([this.#sign(key, filter), Buffer.from(key, 'utf8')]).toString('base64url');
  }

  #sign(key: string, filter: object): Buffer {
    return createHmac('sha256', this.secret)
      .update(JSON.stringify([filter, key]))
      .digest()
      .subarray(0, SIGNATURE_BYTES);
  }
}

export interface PageShape<Row, Item> {
  size: number;
  filter: object;
  keyOf: (row: Row) => string;
  show: (row: Row) => Item;
  /** More rows would have been too many bytes for a page. */
  isCut?: boolean;
  /** The key at which the scan stopped, when there may be rows beyond it: the page may then be short, or empty. */
  lookedUntil?: string | null;
}
