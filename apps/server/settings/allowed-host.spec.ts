// Is every spelling of a host taken for that host, and is what is none refused?
import { describe, expect, it } from 'vitest';
import { allowedHost } from './allowed-host.js';

describe('an entry', () => {
  it.each([
    ['hooks.internal', 'hooks.internal'],
    ['Hooks.Internal:8080', 'hooks.internal:8080'],
    ['my_service', 'my_service'],
    ['10.0.0.7', '10.0.0.7'],
    ['10.0.0.7:80', '10.0.0.7:80'],
    ['127.1', '127.0.0.1'],
    ['fd00::7', 'fd00::7'],
    ['FD00:0:0:0:0:0:0:7', 'fd00::7'],
    ['[fd00::7]', '[fd00::7]'],
    ['[FD00:0::7]:0443', '[fd00::7]:443'],
  ])('%s stands for %s', (entry, host) => {
    expect(allowedHost(entry)).toBe(host);
  });

  it.each([
    'http://hooks.internal',
    'hooks.internal/path',
    'hooks.internal:',
    'hooks.internal:0',
    'hooks.internal:65536',
    'hooks.internal:http',
    '*.internal',
    '*',
    '10.0.0.0/8',
    '10.0.0.256',
    'user@hooks.internal',
    'fd00::7:443:x',
    '[fd00::7',
    '[fd00::zz]:443',
    'hooks internal',
    'hooks.internal?x',
    'höoks.internal',
    '',
  ])('%s is no host', (entry) => {
    expect(allowedHost(entry)).toBeNull();
  });
});
