// Variables of clients: a worker, an application and the command line read them, and a replica refuses them as unknown.
// A shell that has them starts and examines replicas, too, so what is done there leaves them out. CARILLON_URL is both: a
// list of several can only be meant for clients, since a replica has one.
import type { Environment } from './world.js';

export const CLIENT_SETTINGS: readonly string[] = ['CARILLON_KEY', 'CARILLON_TENANT', 'CARILLON_PROFILE'];

export function withoutClientSettings(env: Environment): Environment {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name, value]) =>
        !CLIENT_SETTINGS.includes(name) && !(name === 'CARILLON_URL' && value?.includes(',') === true),
    ),
  );
}
