// Which numbers does one field of an expression name? As cron-dialect.ts writes them: `*`, `a`, `a-b`, `*/n`, `a-b/n` and
// lists of these. What only the day fields have (L, W, #) is left to month-days.ts.

/** Both included. */
interface Bounds {
  min: number;
  max: number;
}

/** Some may come twice; none for a field of other things only. */
export function fieldNumbers(field: string, bounds: Bounds): number[] {
  return field.includes(',')
    ? field.split(',').flatMap((item) => itemNumbers(item, bounds))
    : itemNumbers(field, bounds);
}

function itemNumbers(item: string, { min, max }: Bounds): number[] {
  const [, from, to, by = '1'] = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(item) ?? [];
  if (from === undefined && !item.startsWith('*')) return [];
  const last = Number(to ?? from ?? max);
  const step = Number(by);
  const numbers: number[] = [];
  for (let number = Number(from ?? min); number <= last; number += step) numbers.push(number);
  return numbers;
}

/** The numbers as the bits of one number; each is below 32. */
export function bitsOf(numbers: readonly number[]): number {
  return numbers.reduce((bits, number) => bits | (1 << number), 0);
}
