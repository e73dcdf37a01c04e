// By what does a statement find the rows of each table: by their slot, by their tenant, from which the slot follows, or by
// neither? Read from its text, as a server that keeps slots apart would have to: a condition counts where it stands
// beside the table, joined to the rest by `and`; one inside parentheses of its own may be half of an `or` and doesn't.

/** The tables whose rows belong to tenants, and of which there are more with each run. */
const TABLES =
  'run run_history claim lease ended_lease fire schedule schedule_gap unique_key run_log rate_bucket'.split(
    ' ',
  );

/** "Given" is a value, or several, in the statement itself; "joined" comes from a row of something else. */
export type NamedKey = 'slot, given' | 'slot, joined' | 'tenant, given' | 'tenant, joined' | 'neither';

const FROM_BEST: readonly NamedKey[] = [
  'slot, given',
  'slot, joined',
  'tenant, given',
  'tenant, joined',
  'neither',
];

const MENTION = new RegExp(
  String.raw`(?:\b(from|join|update|into|using) +(?:carillon\.)?|, *carillon\.)(${TABLES.join('|')})\b(?!\.)` +
    String.raw`(?: +(?:as +)?(?!where|set|on|using|order|limit|cross|left|join|select|returning|for|group)([a-z]\w*))?(?: *<(\d+)>)?`,
  'g',
);

/** What the planner puts in for this function: runs of one slot and tenant, its first two arguments (migrations/0050). */
const DUE_RUNS = /carillon\.due_runs\(\s*([\w.$]+), ([\w.$]+),/g;
const ITS_RUNS = '(select 1 from carillon.run where slot = $1 and tenant_id = $2) (';

/** For each table: its name, after `new` where rows are inserted; of several mentions the one that says least counts. */
export function namedKeys(text: string): Record<string, NamedKey> {
  const scopes = scopesOf(text.replaceAll('"', '').replaceAll(DUE_RUNS, ITS_RUNS).replaceAll(/\s+/g, ' '));
  const found: Record<string, NamedKey> = {};
  for (const scope of scopes.flatMap((piece) => piece.split(/\bunion(?: all)?\b/)))
    for (const [, verb, table = '', alias, columns] of scope.matchAll(MENTION)) {
      const isNew = verb === 'into';
      const key = isNew ? insertedKey(scopes[Number(columns)] ?? '') : conditionKey(scope, alias ?? table);
      const name = isNew ? `new ${table}` : table;
      const before = found[name];
      if (before === undefined || FROM_BEST.indexOf(key) > FROM_BEST.indexOf(before)) found[name] = key;
    }
  return found;
}

/** The text cut at its parentheses: in each piece those within it are replaced by their numbers, <n>. */
function scopesOf(text: string): string[] {
  const scopes: string[] = [''];
  const open = [0];
  for (const letter of text) {
    const inner = open.at(-1) ?? 0;
    if (letter === '(') {
      open.push(scopes.length);
      scopes[inner] += ` <${scopes.length}>`;
      scopes.push('');
    } else if (letter === ')') open.pop();
    else scopes[inner] += letter;
  }
  return scopes;
}

function insertedKey(columns: string): NamedKey {
  if (/\bslot\b/.test(columns)) return 'slot, given';
  return /\btenant_id\b/.test(columns) ? 'tenant, given' : 'neither';
}

function conditionKey(scope: string, name: string): NamedKey {
  for (const [column, kind] of [
    ['slot', 'slot'],
    ['tenant_id', 'tenant'],
  ] as const) {
    const condition = new RegExp(String.raw`(?:\b${name}\.|(?<![\w.]))${column} = +(\S+ ?<?)`).exec(scope);
    if (condition === null) continue;
    // A value, a list of values, or what one look has answered.
    return /^(\$|any <|<)/.test(condition[1] ?? '') ? `${kind}, given` : `${kind}, joined`;
  }
  return 'neither';
}
