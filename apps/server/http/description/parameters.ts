// What is each parameter of a path, and which value shows it? The values fit together, and the examples of bodies.
import type { Operation } from './json-schema.js';
import { meaningOf } from './glossary.js';

/** Made by the server, so no call can choose them. */
const ID = '01980000-0000-7000-8000-000000000001';

const PATH_PARAMETERS: Readonly<Record<string, { description: string; example: string }>> = {
  tenant: { description: "The tenant's name.", example: 'acme' },
  jobType: { description: 'The name of the job type.', example: 'report.build' },
  schedule: {
    description: 'The name of the schedule; where its past is read, also its id.',
    example: 'nightly-report',
  },
  calendar: { description: 'The name of the calendar.', example: 'holidays' },
  lock: { description: 'The name of the lock.', example: 'import' },
  queue: { description: 'The name of the queue.', example: 'mail' },
  replica: { description: 'The number of the replica, or the CARILLON_NAME of a living one.', example: '2' },
  run: { description: 'The id of the run.', example: ID },
  key: { description: 'The id of the key.', example: ID },
  secret: { description: 'The id of the secret.', example: ID },
  operation: { description: 'The id of the operation.', example: ID },
  worker: { description: 'The id of the worker, as its registration answered it.', example: ID },
  token: { description: 'The token of the lease.', example: 'the-token-of-the-lease' },
};

/** Of those without which there is no answer; one of an optional parameter would be filled in, too. */
const NEEDED: Readonly<Record<string, string | number>> = {
  'If-Match': '*',
  from: '2026-01-01T00:00:00Z',
  at: '2026-01-01T00:00:00Z',
  tenant: 'acme',
  // Of a preview of the ring, which takes this one or another.
  with: 1,
};

export function tellParameters({ parameters = [] }: Operation): void {
  for (const parameter of parameters) {
    if ('$ref' in parameter) continue;
    if (parameter.in === 'path') Object.assign(parameter, PATH_PARAMETERS[parameter.name]);
    else if (parameter.required === true || parameter.name === 'with')
      Object.assign(parameter, { example: NEEDED[parameter.name] });
    parameter.description ??= meaningOf([parameter.name]) ?? '';
  }
}
