// The welcome for a newcomer: the addresses, the next steps and the keys. Only the text; up.ts decides when it is
// shown.
import type { DataFolder } from '../data/data-folder.js';
import { duration } from '../terminal/phrases.js';

export interface WelcomeFacts {
  readonly apiUrls: readonly string[];
  readonly adminKey: string;
  readonly folder: DataFolder;
  /** The folder whose handlers the replicas have loaded; null for none. */
  readonly handlers: string | null;
  readonly hasDemo: boolean;
  readonly hasKeys: boolean;
  readonly tookMs: number;
}

export function addresses({ apiUrls, adminKey, folder, handlers, tookMs }: WelcomeFacts): string[] {
  const [first = '', ...others] = apiUrls;
  const ports = others.map((url) => `:${new URL(url).port}`).join(' ');
  return [
    '',
    `Ready after ${duration(tookMs)}.`,
    `  API        ${first}/api/v1${ports === '' ? '' : `   (and ${ports}: any replica answers)`}`,
    `  Docs       ${docsUrl(apiUrls)}`,
    `  Admin key  ${adminKey}`,
    `  Handlers   ${handlers === null ? 'only the built-in jobs; CARILLON_HANDLERS names a folder of your own' : `of ${handlers}, and the built-in jobs`}`,
    `  Files      ${folder.shown}/: up.json (all of this for scripts), admin-key, logs`,
  ];
}

export function nextSteps({ apiUrls, folder, hasDemo, hasKeys }: WelcomeFacts): string[] {
  const path = hasDemo ? 'tenants/acme/runs' : 'tenants';
  const body = hasDemo ? '{"jobType":"echo","payload":{"hello":"world"}}' : '{"name":"acme"}';
  return [
    '',
    'Try next:',
    `  Make ${hasDemo ? 'a run of your own' : 'a tenant'}, from another terminal in this folder:`,
    `    curl -s ${apiUrls[0]}/api/v1/${path} \\`,
    `      -H "Authorization: Bearer $(cat ${folder.shown}/admin-key)" \\`,
    `      -H 'Content-Type: application/json' -d '${body}'`,
    ...(hasKeys
      ? ['  Press a key here:', ...KEY_HELP]
      : ['  Stop it: Ctrl-C, or a SIGTERM to the pid in up.json']),
    '',
  ];
}

export const KEY_HELP = [
  '    k  kills the leader, as a power cut would, and shows which replica takes over',
  '    r  kills a replica that does not lead',
  '    ?  shows these keys again',
  '    q  stops everything, as Ctrl-C does; the data stays',
];

export function docsUrl(apiUrls: readonly string[]): string {
  return apiUrls[0] === undefined ? '' : `${apiUrls[0]}/docs`;
}
