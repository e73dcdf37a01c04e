// Many JSON values as one parameter of type jsonb[], as PostgreSQL writes an array.

/**
 * For JSON texts, instants and nulls: what has no control characters. Then JSON's own quoting of a text is that of an
 * array's element, and the engine does it at once, where node-postgres escapes element by element.
 */
export function jsonArrayText(values: readonly unknown[]): string {
  return `{${JSON.stringify(values).slice(1, -1)}}`;
}
