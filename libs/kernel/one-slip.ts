// Was one name probably meant by another? A slip of one letter is forgiven, where a guess is only a hint.

/** One letter added, removed or changed, or two swapped. */
export function isOneSlipFrom(name: string, given: string): boolean {
  if (Math.abs(name.length - given.length) > 1) return false;
  let start = 0;
  while (start < name.length && name[start] === given[start]) start += 1;
  const [rest, got] = [name.slice(start), given.slice(start)];
  return (
    rest.slice(1) === got || rest === got.slice(1) || rest.slice(1) === got.slice(1) || isSwapped(rest, got)
  );
}

function isSwapped(rest: string, got: string): boolean {
  return rest[0] === got[1] && rest[1] === got[0] && rest.slice(2) === got.slice(2);
}
