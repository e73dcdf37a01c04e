// Sends many values in one parameter, as PostgreSQL writes an array. node-postgres can do that, too, but inspects and
// escapes each element: 165 ns an id instead of 42, several times for each run that ends.

/** For values whose text holds neither quotes, commas, braces nor spaces: ids and numbers. Null stays null. */
export function plainArray(values: readonly (string | number | null)[]): string {
  return `{${values.map((value) => value ?? 'NULL').join(',')}}`;
}
