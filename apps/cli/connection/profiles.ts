// The profiles of a user: where Carillon is reached, and with which key, under a name. They lie in one file, which no
// other user may read once it holds a key.
import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { kindOf } from '#client/options/known-options.js';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import type { Environment } from '../world.js';
import { readRegular } from './regular-file.js';

export interface Profile {
  readonly url?: string;
  readonly tenant?: string;
  readonly key?: string;
}

export interface Profiles {
  readonly path: string;
  /** The name of the one that is taken where none is named. */
  readonly default: string | null;
  readonly byName: ReadonlyMap<string, Profile>;
}

const FIELDS = ['url', 'tenant', 'key'];
const OTHERS_MAY = 0o077;
const FORM = '{ "default": "NAME", "profiles": { "NAME": { "url": …, "tenant": …, "key": … } } }';
const OBJECT = `an object, ${FORM}`;

export function profilesPath(env: Environment): string {
  const given = env['XDG_CONFIG_HOME'];
  // A relative one is to be ignored: https://specifications.freedesktop.org/basedir-spec/latest/
  const folder = given?.startsWith('/') ? given : join(env['HOME'] ?? homedir(), '.config');
  return join(folder, 'carillon', 'config.json');
}

/** Throws CliError for a file that is not in order; none is in order. */
export async function readProfiles(path: string): Promise<Profiles> {
  const text = await readRegular(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw new CliError(`expected to read ${path}, got ${error.message}`, EXIT.usage);
  });
  if (text === null) return { path, default: null, byName: new Map() };
  const profiles = profilesIn(path, text);
  if ([...profiles.byName.values()].some(({ key }) => key !== undefined)) await expectPrivate(path);
  return profiles;
}

function profilesIn(path: string, text: string): Profiles {
  const { default: named, profiles = {}, ...others } = expectObject(path, '', parsed(path, text));
  expectNoOthers(path, '', others);
  const given = Object.entries(expectObject(path, '/profiles', profiles));
  const byName = new Map(given.map(([name, profile]) => [name, profileIn(path, name, profile)]));
  if (named === undefined) return { path, default: null, byName };
  if (typeof named === 'string' && byName.has(named)) return { path, default: named, byName };
  throw wrong(
    path,
    '/default',
    `the name of a profile (${[...byName.keys()].join(', ') || 'there is none'})`,
    named,
  );
}

function parsed(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The engine's message shows a piece of the text, which may be that of a key.
    const place = /at position \d+(?: \(line \d+ column \d+\))?/.exec((error as Error).message)?.[0] ?? '';
    throw new CliError(`${path}: expected JSON, ${FORM}, got none ${place}`.trimEnd(), EXIT.usage);
  }
}

function profileIn(path: string, name: string, given: unknown): Profile {
  const place = `/profiles/${name}`;
  const profile = expectObject(path, place, given);
  const { url: _url, tenant: _tenant, key: _key, ...others } = profile;
  expectNoOthers(path, place, others);
  for (const field of FIELDS) {
    const value = profile[field];
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      throw wrong(path, `${place}/${field}`, 'a text', field === 'key' ? typeof value : value);
  }
  return profile;
}

function expectObject(path: string, place: string, given: unknown): Record<string, unknown> {
  if (typeof given === 'object' && given !== null && !Array.isArray(given))
    return given as Record<string, unknown>; // JSON
  throw wrong(path, place, OBJECT, given);
}

function expectNoOthers(path: string, place: string, others: object): void {
  const [other] = Object.keys(others);
  if (other !== undefined)
    throw new CliError(
      `${path}: expected no field ${place}/${other}; the form is ${FORM}, with several URLs between commas`,
      EXIT.usage,
    );
}

function wrong(path: string, place: string, expected: string, got: unknown): CliError {
  const where = place === '' ? 'the file' : place;
  // There may be keys in an object, and in a text that stands in place of one.
  const isShown = typeof got !== 'object' && expected !== OBJECT;
  const shown = isShown ? JSON.stringify(got) : kindOf(got);
  return new CliError(`${path}: expected ${where} to be ${expected}, got ${shown}`, EXIT.usage);
}

async function expectPrivate(path: string): Promise<void> {
  const { mode } = await stat(path);
  // Windows has no such mode, and shows any file as readable by all.
  if ((mode & OTHERS_MAY) === 0 || process.platform === 'win32') return;
  const got = (mode & 0o777).toString(8);
  throw new CliError(
    `${path}: expected a file that others can't read, since a key is in it, got mode ${got}; run: chmod 600 ${path}`,
    EXIT.usage,
  );
}
