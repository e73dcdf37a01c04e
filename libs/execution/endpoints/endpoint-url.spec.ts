// Is a URL that parsers read differently, or that holds a password, refused with its reason, and never shown whole?
import { expect, it } from 'vitest';
import { shownUrl, URL_LENGTH_MAX, whyNoEndpoint } from './endpoint-url.js';

it.each([
  'https://example.com',
  'http://example.com:8080/hook?key=a%20b&to=x@y.z',
  "https://xn--bcher-kva.example/a/b;c=(1)!$'*+,~",
  'http://[2001:db8::1]:80/',
  'HTTPS://EXAMPLE.COM/@me',
  `https://example.com/${'x'.repeat(URL_LENGTH_MAX - 20)}`,
])('%s will do', (url) => {
  expect(whyNoEndpoint(url)).toBeNull();
});

it.each([
  ['http://user:pw@example.com/', /without a user/],
  ['http://user@example.com/', /without a user/],
  ['http://@example.com/', /without a user/],
  ['http://:@example.com', /without a user/],
  ['http://a@b@example.com/', /without a user/],
  ['http://example.com/a\tb', /U\+0009$/],
  ['http://exam\nple.com/', /U\+000A$/],
  ['http://example.com/\r\nx: y', /U\+000D$/],
  [' http://example.com/', /http or https/],
  ['http://example.com/ ', /U\+0020$/],
  ['http://example.com\\@127.0.0.1/', /without a user|U\+005C$/],
  ['http://example.com/a\\b', /U\+005C$/],
  ['http:\\\\example.com', /http or https/],
  ['http:/example.com', /http or https/],
  ['http:example.com', /http or https/],
  ['http:///example.com', /http or https/],
  ['//example.com', /http or https/],
  ['ftp://example.com', /http or https/],
  ['javascript:alert(1)', /http or https/],
  ['http://example.com/#part', /fragment/],
  ['http://exämple.com/', /U\+00E4$/],
  ['http://example.com/\0', /U\+0000$/],
  ['http://example.com/🎼', /U\+1F3BC$/],
  ['http://example.com:99999/', /host or port/],
  ['http://[::1/', /host or port/],
  ['http://a..b%/', /host or port/],
  ['http://?', /host or port/],
  ['', /http or https/],
  [`https://example.com/${'x'.repeat(URL_LENGTH_MAX)}`, /at most 2000 characters, got 2020$/],
])('%j is refused with the reason', (url, reason) => {
  expect(whyNoEndpoint(url)).toMatch(reason);
});

it.each(['http://user:geheim@example.com/', 'http://geheim@example.com', 'http://example.com\\geheim@h/'])(
  'neither the refusal nor what is shown tells the password: %s',
  (url) => {
    expect(whyNoEndpoint(url)).not.toContain('geheim');
    expect(shownUrl(url)).not.toContain('geheim');
  },
);

it('what has no password is shown as it is', () => {
  const url = 'https://example.com/a@b?c=d@e';
  expect(shownUrl(url)).toBe(url);
  expect(shownUrl('http://user:pw@example.com/x')).toBe('http://***@example.com/x');
});
