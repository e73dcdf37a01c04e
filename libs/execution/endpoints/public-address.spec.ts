// Which addresses count as public? The connections themselves are tried in test/integration/http-target.spec.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isForeignPort, isPublic } from './public-address.js';

describe('a public address', () => {
  it.each([
    '1.1.1.1',
    '93.184.216.34',
    '172.15.255.255',
    '172.32.0.1',
    '100.63.255.255',
    '2606:4700::1111',
    '::ffff:1.1.1.1',
  ])('is %s', (address) => {
    expect(isPublic(address)).toBe(true);
  });

  it.each([
    ['this machine', ['127.0.0.1', '127.255.255.254', '0.0.0.0', '0.1.2.3', '::1', '::']],
    ['a private network', ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.0.1', 'fd00::1', 'fc00::1']],
    ['a provider’s own network', ['100.64.0.1', '100.127.255.255']],
    ['the link, where clouds keep their credentials', ['169.254.169.254', 'fe80::1', 'fe80::1%eth0']],
    ['more than one machine', ['224.0.0.1', '239.255.255.255', '255.255.255.255', 'ff02::1']],
    [
      'for documents and measurements',
      ['192.0.2.1', '198.51.100.1', '203.0.113.1', '198.18.0.1', '2001:db8::1'],
    ],
    ['a provider’s agent on this very machine', ['168.63.129.16', '::ffff:168.63.129.16']],
    ['reserved', ['240.0.0.1', '192.0.0.1']],
    [
      'a way around: IPv4 in IPv6',
      ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:169.254.169.254', '::ffff:a00:1'],
    ],
    [
      'a way around: translation and tunnels',
      ['64:ff9b::7f00:1', '64:ff9b:1::7f00:1', '2002:7f00:1::', '2001:0:7f00:1::'],
    ],
    ['a way around: old spellings', ['2130706433', '0x7f.1', '0177.0.0.1', '127.1', '0x7f000001']],
    ['no address', ['localhost', 'example.com', '', '1.1.1.1.1', 'http://1.1.1.1']],
  ])('is none that is %s', (_what, addresses) => {
    expect(addresses.filter(isPublic)).toEqual([]);
  });

  it('is none outside of 2000::/3, the only global unicast there is', () => {
    expect(['::7f00:1', '::a9fe:a9fe', '4000::1'].filter(isPublic)).toEqual([]);
  });

  it('is none of loopback, however it is wrapped', () => {
    fc.assert(
      fc.property(fc.nat(0xff_ff_ff), (host) => {
        const [b, c, d] = [host >> 16, (host >> 8) & 0xff, host & 0xff];
        const dotted = `127.${b}.${c}.${d}`;
        const hex = `7f${b.toString(16).padStart(2, '0')}:${((c << 8) | d).toString(16)}`;
        const wrapped = [
          dotted,
          String(0x7f_00_00_00 + host),
          `::ffff:${dotted}`,
          `::ffff:${hex}`,
          `64:ff9b::${hex}`,
        ];
        expect(wrapped.filter(isPublic)).toEqual([]);
      }),
    );
  });
});

it('a port is foreign when it belongs to another protocol', () => {
  expect(['25', '22', '6667', '465', '53'].every(isForeignPort)).toBe(true);
  expect(['', '80', '443', '8080', '8443', '3000', '9200'].some(isForeignPort)).toBe(false);
});
