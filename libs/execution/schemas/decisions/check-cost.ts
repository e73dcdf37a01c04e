// What does it cost at most to check a value against a schema? For most keywords no more than each node of the schema
// costs at each character of the value, which is known before. A few keywords have no such bound: a pattern backtracks,
// a reference unfolds, and unique items are each compared with all others. A cheap check may run on the event loop.

export interface SchemaSize {
  nodes: number;
  /** None of its keywords costs more than its size says. */
  isPlain: boolean;
}

const CHEAP_NODES_MAX = 100;
const CHEAP_PRODUCT_MAX = 500_000;
/** Up to this product a list of all mismatches is short. */
const LISTED_PRODUCT_MAX = 50_000;

const UNBOUNDED = new Set([
  'pattern',
  'patternProperties',
  'uniqueItems',
  'unevaluatedItems',
  'unevaluatedProperties',
  '$ref',
  '$dynamicRef',
  '$recursiveRef',
]);

/** Stops counting where a schema is not cheap any more. Nesting was bounded when the schema came in. */
export function sizeOf(schema: object): SchemaSize {
  const waiting: unknown[] = [schema];
  let nodes = 0;
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    nodes += typeof part === 'string' ? 1 + part.length / 100 : 1;
    if (nodes > CHEAP_NODES_MAX) return { nodes, isPlain: false };
    if (typeof part !== 'object' || part === null) continue;
    for (const [key, value] of Object.entries(part)) {
      if (UNBOUNDED.has(key)) return { nodes, isPlain: false };
      waiting.push(value);
    }
  }
  return { nodes, isPlain: true };
}

/** `length` is the length of the value's JSON. */
export function isCheap({ nodes, isPlain }: SchemaSize, length: number): boolean {
  return isPlain && nodes * length <= CHEAP_PRODUCT_MAX;
}

/** Whether all mismatches may be listed, and not only the first. */
export function isListable(nodes: number, length: number): boolean {
  return nodes * length <= LISTED_PRODUCT_MAX;
}
