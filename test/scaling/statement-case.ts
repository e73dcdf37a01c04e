// What does a case of a statement say? How the product calls it, and by what it is expected to name the rows that it
// wants. The lists of cases, one for each part of the product, and the tests that go through them share this shape.
import type { Tx } from '#database/connection.js';
import type { NamedKey } from './named-keys.js';

export interface Case {
  readonly act: (tx: Tx) => Promise<unknown>;
  readonly names: Record<string, NamedKey>;
}
