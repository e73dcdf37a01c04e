// Does the welcome say whose handlers the replicas have loaded?
import { expect, it } from 'vitest';
import type { DataFolder } from '../data/data-folder.js';
import { addresses } from './welcome.js';

const folder: DataFolder = {
  path: '/data',
  shown: '.data',
  postgres: '/data/postgres',
  logs: '/data/logs',
  sideLog: '/data/side-log.ndjson',
  adminKey: '/data/admin-key',
  upFile: '/data/up.json',
  lock: '/data/up.lock',
};
const facts = { apiUrls: ['http://127.0.0.1:8080'], adminKey: 'sk', folder, hasDemo: true, hasKeys: false };
const shown = (handlers: string | null): string => addresses({ ...facts, handlers, tookMs: 1 }).join('\n');

it('names the folder that was given, and the setting where none was', () => {
  expect(shown('/jobs')).toContain('Handlers   of /jobs, and the built-in jobs');
  expect(shown(null)).toContain(
    'Handlers   only the built-in jobs; CARILLON_HANDLERS names a folder of your own',
  );
});
