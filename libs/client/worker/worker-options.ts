// Checks the options of a worker. An option with which every call would fail for ever is refused at once, by its
// name.
import { expectDefinition, expectKnownOptions, kindOf } from '#client/options/known-options.js';
import type { WorkerApiOptions } from './worker-calls.js';

const OPTIONS = [
  'url',
  'key',
  'tenant',
  'handlers',
  'concurrency',
  'name',
  'labels',
  'graceSeconds',
  'onError',
];

interface Given {
  url: string | readonly string[];
  tenant: string;
  key: string | undefined;
}

export function expectWorkerOptions(options: { handlers: unknown }): void {
  expectKnownOptions(options, OPTIONS);
  const { handlers } = options;
  if (!Array.isArray(handlers) || handlers.length === 0)
    throw new TypeError(
      `expected handlers to be a list with at least one, got ${Array.isArray(handlers) ? 'none' : kindOf(handlers)}`,
    );
  const names = handlers.map((handler: unknown, index) => nameOf(handler, `handlers[${index}]`));
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined)
    throw new TypeError(`expected handlers to have one for each job, got two for ${twice}`);
}

function nameOf(handler: unknown, what: string): string {
  const { kind, definition, payload } = (handler ?? {}) as Partial<Record<string, unknown>>;
  // Its runs would fail one after the other.
  if (kind === 'job-handler')
    throw new TypeError(
      `expected ${what} to be made by remoteHandler(…), got one of handler(…), which is for replicas`,
    );
  if (definition === undefined || payload === undefined)
    throw new TypeError(`expected ${what} to be made by remoteHandler(…), got ${kindOf(handler)}`);
  expectDefinition(definition);
  return (definition as { name: string }).name;
}

/** Options may come from JavaScript and from environment variables. */
export function reachable({ url, tenant, key }: Given): WorkerApiOptions {
  for (const each of [url].flat()) {
    const text = expectText('url', 'the URL of a replica', each);
    // A call to it would fail as if no replica was there, and be repeated for ever.
    if (!/^https?:\/\//i.test(text) || !URL.canParse(text))
      throw new TypeError(
        `expected url to be that of a replica, such as http://localhost:8080, got ${text.includes('@') ? 'another one (not shown)' : JSON.stringify(text)}`,
      );
  }
  return {
    url,
    tenant: expectText('tenant', 'the name of a tenant', tenant),
    key: expectText('key', 'an API key of the tenant', key),
  };
}

function expectText(option: string, expected: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  const got = value === undefined || value === null ? 'nothing' : JSON.stringify(value);
  throw new TypeError(`expected ${option} to be ${expected}, got ${got}`);
}
