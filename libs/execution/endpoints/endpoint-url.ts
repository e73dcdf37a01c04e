// Can a tenant's endpoint have this URL, and how is it shown? Parsers disagree about tabs, line breaks, backslashes and
// blanks, and what one drops in silence another takes for a part of the host: only what all of them read alike is taken.
// A password in a URL ends up in errors, events and logs, so it is refused, and masked in what was stored before.

export const URL_LENGTH_MAX = 2_000;
/** All that RFC 3986 lets stand in a URL as it is; anything else must be written in percent signs or punycode. */
const STRANGE = /[^\w:/?[\]@!$&'()*+,;=.~%-]/u;
const USER_INFO = /^([a-z][a-z\d+.-]*:\/*)[^/?#]*@/i;

/** Null when it will do; else what was expected, in words. The URL itself, which may hold a secret, is not repeated. */
export function whyNoEndpoint(text: string): string | null {
  if (text.length > URL_LENGTH_MAX)
    return `expected a URL of at most ${URL_LENGTH_MAX} characters, got ${text.length}`;
  if (!/^https?:\/\/[^/]/i.test(text))
    return 'expected an http or https URL, beginning with http:// or https://';
  if (text.includes('#')) return 'expected a URL without a fragment (#…), which is never sent';
  if (USER_INFO.test(text))
    return 'expected a URL without a user and password before the host; send them in a header, as Authorization';
  const strange = STRANGE.exec(text)?.[0];
  if (strange !== undefined) {
    const code = strange.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0') ?? '';
    return `expected only characters that a URL may have, the others as %XX, got U+${code}`;
  }
  if (!URL.canParse(text)) return 'expected an http or https URL, got one whose host or port can not be read';
  return null;
}

/** As it may be shown to anybody who may see the job type. */
export function shownUrl(text: string): string {
  return text.replace(USER_INFO, '$1***@');
}
