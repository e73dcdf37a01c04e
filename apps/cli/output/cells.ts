// The text of a value in a table and between tabs. Nothing is cut: a cut id can't be copied.

/** For people: nothing is a dash. */
export function cellText(value: unknown): string {
  const text = value === null || value === undefined ? '' : textOf(value);
  return text === '' ? '-' : plain(text, { '\t': ' ', '\n': ' ', '\r': ' ' });
}

/** For programs: nothing is nothing, and what would end the value or the line is escaped. */
export function tsvText(value: unknown): string {
  if (value === null || value === undefined) return '';
  return plain(textOf(value), { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' });
}

/** JSON, in which nothing steers a terminal either: its own rules escape only what is below a space. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replaceAll(
    /[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** For messages, whose lines stay. */
export function messageText(text: string): string {
  return plain(text, { '\n': '\n', '\t': ' ' });
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value.join(',');
  return JSON.stringify(value);
}

/** Without what would steer a terminal: names and messages come from other people. */
function plain(text: string, escapes: Readonly<Record<string, string>>): string {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  return text.replaceAll(/[\\\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, (character) => {
    if (character === '\\' && escapes['\\'] === undefined) return character;
    return escapes[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
