// How do many values travel in one parameter? As PostgreSQL writes an array. node-postgres writes one too, but looks at
// each element for what it might be and escapes it, which for a thousand ids takes longer than all else about them.

/** For values whose text holds neither quotes, commas, braces nor spaces: ids and numbers. Null stays null. */
export function plainArray(values: readonly (string | number | null)[]): string {
  return `{${values.map((value) => value ?? 'NULL').join(',')}}`;
}
