// Which API is called, for which tenant and with which key? Flags come first, then a profile that is named, the
// environment, the default profile, and the `npm start` in the current folder. A key goes to the URL beside which it
// was found, or to one that was given together with a key: never that of one place to the URL of another.
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import type { Profile } from './profiles.js';
import { isOfThisMachine, type Sources } from './sources.js';

export interface ConnectionFlags {
  readonly url?: string;
  readonly tenant?: string;
  readonly key?: string;
  readonly profile?: string;
}

interface Taken<Value> {
  readonly value: Value;
  readonly from: string;
}

export interface Connection {
  readonly urls: Taken<readonly string[]> | null;
  readonly tenant: Taken<string> | null;
  readonly key: Taken<string> | null;
}

interface Place {
  readonly from: string;
  readonly url?: string | undefined;
  readonly tenant?: string | undefined;
  readonly key?: string | undefined;
  /** Its key may be sent to a URL from elsewhere, since a person has given it for this call or this shell. */
  readonly isGiven: boolean;
  readonly isProfile?: true;
}

/** Throws CliError for a profile that is not there, or profiles that can't be read. */
export function connectionOf(flags: ConnectionFlags, sources: Sources): Connection {
  const places = placesOf(flags, sources);
  const withUrl = places.find(({ url }) => url !== undefined);
  const withTenant = places.find(({ tenant }) => tenant !== undefined);
  const withKey = placeOfKey(places, withUrl);
  return {
    urls: taken(listed(withUrl?.url), withUrl),
    tenant: taken(withTenant?.tenant ?? '', withTenant),
    key: taken(withKey?.key ?? '', withKey) ?? keyOfHere(withUrl?.url, sources),
  };
}

/** A profile that has the URL and a key keeps them together, also where the shell has a key for another place. */
function placeOfKey(
  [commandLine, ...places]: readonly Place[],
  withUrl: Place | undefined,
): Place | undefined {
  if (commandLine?.key !== undefined) return commandLine;
  if (withUrl?.isProfile === true && withUrl.key !== undefined) return withUrl;
  return places.find((place) => place.key !== undefined && (place.isGiven || place === withUrl));
}

function taken<Value>(value: Value, place: Place | undefined): Taken<Value> | null {
  return place === undefined ? null : { value, from: place.from };
}

function placesOf(flags: ConnectionFlags, { env, profiles, here }: Sources): Place[] {
  const named = flags.profile ?? given(env['CARILLON_PROFILE']);
  const asked: Place[] = named === undefined ? [] : [profileNamed(named, profiles)];
  return [
    { from: 'the command line', url: flags.url, tenant: flags.tenant, key: flags.key, isGiven: true },
    ...(flags.profile === undefined ? [] : asked),
    {
      from: 'the environment',
      url: given(env['CARILLON_URL']),
      tenant: given(env['CARILLON_TENANT']),
      key: given(env['CARILLON_KEY']),
      isGiven: true,
    },
    ...(flags.profile === undefined ? asked : []),
    ...(named === undefined && !isWhole(flags, env) ? defaultProfile(profiles) : []),
    {
      from: 'the npm start in this folder',
      url: here.urls.length === 0 ? undefined : here.urls.join(','),
      key: here.adminKey ?? undefined,
      isGiven: false,
    },
  ];
}

/** Profiles that can't be read stand in the way of a call that needs one. */
function isWhole(flags: ConnectionFlags, env: Sources['env']): boolean {
  const url = flags.url ?? given(env['CARILLON_URL']);
  const key = flags.key ?? given(env['CARILLON_KEY']);
  const tenant = flags.tenant ?? given(env['CARILLON_TENANT']);
  return [url, key, tenant].every((each) => each !== undefined);
}

function profileNamed(name: string, profiles: Sources['profiles']): Place {
  if (profiles instanceof CliError) throw profiles;
  const profile = profiles.byName.get(name);
  if (profile !== undefined) return placeOf(name, profile);
  const names = [...profiles.byName.keys()].join(', ') || 'none';
  throw new CliError(
    `expected a profile of ${profiles.path} (${names}), got ${JSON.stringify(name)}`,
    EXIT.usage,
  );
}

function defaultProfile(profiles: Sources['profiles']): Place[] {
  if (profiles instanceof CliError) throw profiles;
  const { default: name } = profiles;
  return name === null ? [] : [placeOf(name, profiles.byName.get(name) ?? {})];
}

function placeOf(name: string, profile: Profile): Place {
  return { from: `profile ${name}`, ...profile, isGiven: false, isProfile: true };
}

/** A person who started Carillon here and writes its URL means the key that lies here; it is sent to no other machine. */
function keyOfHere(url: string | undefined, { here }: Sources): Taken<string> | null {
  if (here.adminKey === null || url === undefined) return null;
  if (!listed(url).every(isOfThisMachine)) return null;
  return { value: here.adminKey, from: '.data/admin-key' };
}

/** An empty variable is as good as none. */
function given(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

function listed(urls = ''): string[] {
  return urls
    .split(',')
    .map((url) => url.trim())
    .filter((url) => url !== '');
}
