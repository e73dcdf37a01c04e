// Can a tenant's endpoint have this URL, and how is it shown? Parsers disagree about tabs, line breaks, backslashes and
// blanks: a character that one silently drops is a part of the host to another. So only a URL that all of them read
// alike is accepted. A password in a URL would end up in errors, events and logs, so it is refused, and masked in URLs
// that were stored before.

export const URL_LENGTH_MAX = 2_000;
/** Every character that RFC 3986 does not allow in a URL; it must be written percent-encoded or in punycode. */
const STRANGE = /[^\w:/?[\]@!$&'()*+,;=.~%-]/u;
const USER_INFO = /^([a-z][a-z\d+.-]*:\/*)[^/?#]*@/i;

/** Null when it will do; else the expectation in words. The URL itself, which may hold a secret, is not repeated. */
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

/** The URL without its password, for all who may see the job type. */
export function shownUrl(text: string): string {
  return text.replace(USER_INFO, '$1***@');
}
