// Does each link of the documentation lead somewhere? To a file that is there, and to a heading of it.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, normalize, resolve } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');

/** Without blocks of code, where a bracket is no link and a # no heading. */
const proseOf = (text: string): string => text.replaceAll(/^```.*?^```$/gms, '');

/** As the hosts of repositories name a heading. */
function anchorOf(heading: string): string {
  const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
  return text
    .trim()
    .replaceAll(/[^\p{L}\p{N}\- _]/gu, '')
    .replaceAll(' ', '-');
}

async function pages(): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(join(ROOT, 'docs'))).filter((name) => name.endsWith('.md'));
  const paths = ['README.md', 'CHANGELOG.md', ...names.map((name) => `docs/${name}`)];
  return new Map(
    await Promise.all(
      paths.map(async (path) => [path, proseOf(await readFile(join(ROOT, path), 'utf8'))] as const),
    ),
  );
}

/** `anchors` has those of each page that is known by its headings. */
function whereTo(
  page: string,
  link: string,
  anchors: ReadonlyMap<string, ReadonlySet<string>>,
): string | null {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : normalize(join(dirname(page), path));
  if (!existsSync(join(ROOT, target))) return `${page}: ${link}: there is no ${target}`;
  if (anchor === undefined || anchors.get(target)?.has(anchor) !== false) return null;
  return `${page}: ${link}: ${target} has no such heading`;
}

it('they do', async () => {
  const texts = await pages();
  const anchors = new Map(
    [...texts].map(([page, text]) => [
      page,
      new Set([...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading))),
    ]),
  );
  const links = [...texts].flatMap(([page, text]) =>
    [...text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, link = '']) => ({ page, link })),
  );
  expect(links.length).toBeGreaterThan(100);
  expect(links.flatMap(({ page, link }) => whereTo(page, link, anchors) ?? [])).toEqual([]);
});

it('one that leads nowhere is found', () => {
  const anchors = new Map([['docs/JOBS.md', new Set(['jobs'])]]);
  expect(whereTo('docs/JOBS.md', '#jobs', anchors)).toBeNull();
  expect(whereTo('docs/JOBS.md', '#gone', anchors)).toContain('no such heading');
  expect(whereTo('README.md', 'docs/JOBS.md#gone', anchors)).toContain('no such heading');
  expect(whereTo('docs/JOBS.md', 'gone.md', anchors)).toContain('there is no docs/gone.md');
});
