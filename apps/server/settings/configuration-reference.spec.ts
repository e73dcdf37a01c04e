// Is docs/CONFIGURATION.md what the settings really are? Its table is written from them, by `vitest run --update` after
// a change, so that a reader can trust it. The sections below the table are prose, and kept as they are.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { readConfig, settings } from './config.js';

const PAGE = resolve(import.meta.dirname, '../../../docs/CONFIGURATION.md');

const HEADER = `# Configuration

A replica is configured by environment variables alone. They are checked once, at start; an unknown name that begins with
\`CARILLON_\` is refused, since a mistyped setting is worse than none. What Kubernetes injects for a Service of that name
(\`CARILLON_SERVICE_HOST\`, \`CARILLON_PORT=tcp://…\`) is ignored.

| variable | default | meaning |
|---|---|---|
`;

function reference(): string {
  const defaults: Record<string, unknown> = {
    ...readConfig({ DATABASE_URL: 'postgres://localhost/carillon' }),
  };
  const rows = Object.entries(settings.shape).map(
    ([name, schema]) => `| \`${name}\` | ${shown(name, defaults[name])} | ${schema.description ?? ''} |`,
  );
  return `${HEADER}${rows.join('\n')}\n`;
}

function proseBelow(): string {
  const text = readFileSync(PAGE, 'utf8');
  const at = text.indexOf('\n## ');
  return at < 0 ? '' : text.slice(at);
}

function shown(name: string, value: unknown): string {
  if (name === 'DATABASE_URL') return '(required)';
  if (name === 'CARILLON_NAME') return "the host's name";
  if (value === undefined) return '(none)';
  if (Array.isArray(value)) return value.length === 0 ? '(empty)' : `\`${value.join(',')}\``;
  return `\`${JSON.stringify(value).replaceAll('"', '')}\``;
}

it('docs/CONFIGURATION.md lists every setting with its default and meaning', async () => {
  expect(Object.values(settings.shape).every((schema) => (schema.description ?? '').length > 10)).toBe(true);
  await expect(reference() + proseBelow()).toMatchFileSnapshot(PAGE);
});
