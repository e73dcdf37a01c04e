// Is docs/CONFIGURATION.md what the settings really are? It is written from them: `vitest run --update`
// after a change, and a reader can trust it.
import { expect, it } from 'vitest';
import { readConfig, settings } from './config.js';

const HEADER = `# Configuration

A replica is configured by environment variables alone. They are checked once, at start; an unknown name that begins with
\`CARILLON_\` is refused, since a mistyped setting is worse than none.

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

function shown(name: string, value: unknown): string {
  if (name === 'DATABASE_URL') return '(required)';
  if (name === 'CARILLON_NAME') return "the host's name";
  if (value === undefined) return '(none)';
  if (Array.isArray(value)) return value.length === 0 ? '(empty)' : `\`${value.join(',')}\``;
  return `\`${JSON.stringify(value).replaceAll('"', '')}\``;
}

it('docs/CONFIGURATION.md lists every setting with its default and meaning', async () => {
  expect(Object.values(settings.shape).every((schema) => (schema.description ?? '').length > 10)).toBe(true);
  await expect(reference()).toMatchFileSnapshot('../../docs/CONFIGURATION.md');
});
