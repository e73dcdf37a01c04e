// Is the house in order? Style that a formatter and a linter can't see, checked as a test: what each file may be
// named, how it opens, how long it may get, and where time, randomness, timers and the environment may be read: by few,
// since a test loses its hold there. A failure lists each place as file:line. The last block proves that each rule can fail.
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import {
  citesInvariantAbove,
  isDateOfNow,
  isLookInAnything,
  isMember,
  isTimer,
  isSpec,
  isUnder,
  linesWhere,
  nodesWhere,
  type Rule,
  type Source,
} from './support/source-code.js';
import { commentWidthRule, namedActorRule, namesNoActor } from './support/comment-rules.js';
import { STORY_LINES_MAX, STORY_ROOMS, storyFindings, storyRows } from './support/main-story.js';
import { schemaRule } from './support/schema-rule.js';
import { transactionRule } from './support/transaction-rule.js';
import { ownDatabaseRule } from './support/own-database-rule.js';

const ROOT = resolve(import.meta.dirname, '..');
const LINES_MAX = 300;
const ROOM_MAX = 12;
const INVARIANTS = 10;
const HEADER_WORDS_MIN = 4;
/** In both numbers: a file named for what it is not about any one thing gathers everything. */
const FORBIDDEN = ['util', 'helper', 'common', 'manager', 'base'];
const FORBIDDEN_NAMES = new Set(FORBIDDEN.flatMap((name) => [name, `${name}s`]));
/** Put together here, so that this file does not find itself. */
const UNFINISHED_MARKS = [
  ['TO', 'DO'],
  ['FIX', 'ME'],
  ['X', 'XX'],
].map((parts) => parts.join(''));
const UNFINISHED = new RegExp(`\\b(${UNFINISHED_MARKS.join('|')})\\b`);
const KEBAB_CASE = /^[a-z0-9]+([-.][a-z0-9]+)*$/;

/** In processes of users, which hand them no clock. */
const CLIENT_CLOCKS = new Set([
  'libs/client/http/runs/run-results.ts',
  'libs/client/locks/held-locks.ts',
  'libs/client/locks/locks.ts',
  'libs/client/testing/attempt.ts',
  'libs/client/worker/leased-attempt.ts',
  'libs/client/worker/worker-process.ts',
]);

/** Time, randomness and the environment enter through these files alone, as arguments to everything else. */
function mustTakeTimeAsArgument(file: string): boolean {
  const isEdge =
    isUnder(file, 'libs/database/runtime/') ||
    CLIENT_CLOCKS.has(file) ||
    /^apps\/.*config\.ts$/.test(file) ||
    isSpec(file);
  return isUnder(file, 'libs/', 'apps/server/') && !isEdge;
}

/** Workers of users run in processes of their own. */
const CLIENT_TIMERS = new Set([
  'libs/client/locks/held-locks.ts',
  'libs/client/testing/attempt.ts',
  'libs/client/worker/leased-attempt.ts',
  'libs/client/worker/worker-calls.ts',
]);

/**
 * Handlers do what they want, starting a PostgreSQL server is no loop of ours, and before a replica starts there are
 * none.
 */
function mustNotSetTimers(file: string): boolean {
  return !(
    file === 'apps/server/loop-timers.ts' ||
    file === 'apps/server/jobs/built-in-jobs.ts' ||
    file === 'apps/server/start-wait.ts' ||
    // A request that acts on many runs rests between their batches.
    file === 'apps/server/http/runs/bulk-turns.ts' ||
    CLIENT_TIMERS.has(file) ||
    isUnder(file, 'libs/database/embedded/', 'apps/cli/', 'test/') ||
    isSpec(file)
  );
}

const clockRule = (name: string, isBroken: (node: ts.Node) => boolean, sample: string): Rule => ({
  name,
  binds: mustTakeTimeAsArgument,
  brokenAt: nodesWhere(isBroken),
  breaks: [{ file: 'libs/cluster/sample.ts', text: sample }],
  keeps: [
    { file: 'libs/cluster/sample.ts', text: `// ${sample}\nconst at = new Date(dueAtMs);` },
    { file: 'libs/database/runtime/sample.ts', text: sample },
    { file: 'apps/server/settings/config.ts', text: sample },
    { file: 'apps/cli/sample.ts', text: sample },
  ],
});

const rules: Rule[] = [
  {
    name: `a file has at most ${LINES_MAX} lines`,
    binds: () => true,
    brokenAt: ({ text }) => (text.trimEnd().split('\n').length > LINES_MAX ? [LINES_MAX + 1] : []),
    breaks: [{ file: 'libs/a.ts', text: 'x;\n'.repeat(LINES_MAX + 1) }],
    keeps: [{ file: 'libs/a.ts', text: 'x;\n'.repeat(LINES_MAX) }],
  },
  {
    name: 'a file or folder has a kebab-case name',
    binds: () => true,
    brokenAt: ({ file }) => (file.split('/').every((part) => KEBAB_CASE.test(part)) ? [] : [1]),
    breaks: ['libs/Ring.ts', 'libs/slotMoves/a.ts', 'libs/slot_moves.ts'].map((file) => ({ file, text: '' })),
    keeps: [{ file: 'apps/server/problem.filter.ts', text: '' }],
  },
  {
    name: 'a name says what the file is about',
    binds: () => true,
    brokenAt: ({ file }) => (file.split(/[/.-]/).some((word) => FORBIDDEN_NAMES.has(word)) ? [1] : []),
    breaks: ['libs/utils/a.ts', 'libs/lease-manager.ts', 'libs/base.service.ts'].map((file) => ({
      file,
      text: '',
    })),
    keeps: [{ file: 'libs/database/a.ts', text: '' }],
  },
  {
    name: 'a file opens with a comment that says in a full sentence what it answers',
    binds: (file) => isUnder(file, 'libs/', 'apps/') && !isSpec(file),
    brokenAt: ({ text }) => (hasFullSentence(openingComment(text)) ? [] : [1]),
    breaks: ['export {};', '// ring', '// lower case and no end', '// Short.'].map((text) => ({
      file: 'libs/a.ts',
      text,
    })),
    keeps: [
      '// Who owns which slot?\nexport {};',
      '#!/usr/bin/env node\n/** It prints what it has\n * found. */',
    ].map((text) => ({ file: 'libs/a.ts', text })),
  },
  {
    name: 'nothing is left for later',
    binds: () => true,
    brokenAt: ({ text }) => linesWhere(text, (line) => UNFINISHED.test(line)),
    breaks: UNFINISHED_MARKS.map((mark) => ({ file: 'libs/a.ts', text: `// ${mark}: the rest` })),
    keeps: UNFINISHED_MARKS.map((mark) => ({ file: 'libs/a.ts', text: `const ${mark.toLowerCase()} = 1;` })),
  },
  clockRule('new Date() is given an instant', isDateOfNow, 'const at = new Date();'),
  clockRule(
    'the clock is passed in',
    isMember('Date.now', 'performance.now'),
    'const ms = performance.now();',
  ),
  clockRule('randomness is passed in', isMember('Math.random'), 'const draw = Math.random;'),
  clockRule(
    'the environment is read in config.ts',
    isMember('process.env'),
    "const url = process.env['URL'];",
  ),
  {
    name: 'timers are set in apps/server/loop-timers.ts',
    binds: mustNotSetTimers,
    brokenAt: nodesWhere(isTimer),
    breaks: [
      "import { setTimeout as rest } from 'node:timers/promises';",
      'globalThis.setInterval(beat, 1000);',
    ].map((text) => ({ file: 'libs/cluster/sample.ts', text })),
    keeps: [
      { file: 'apps/server/loop-timers.ts', text: 'setTimeout(beat, 1000);' },
      { file: 'libs/cluster/sample.ts', text: '// Its setTimeout is in the server.' },
    ],
  },
  schemaRule,
  transactionRule,
  ownDatabaseRule,
  namedActorRule,
  commentWidthRule,
  {
    name: 'a value of any shape is asked by Object.hasOwn and Reflect.get, since every object inherits a `constructor`',
    binds: (file) => isUnder(file, 'libs/', 'apps/') && !isSpec(file),
    brokenAt: nodesWhere(isLookInAnything),
    breaks: [{ file: 'libs/a.ts', text: 'const part = (value as Record<PropertyKey, unknown>)[key];' }],
    keeps: [{ file: 'libs/a.ts', text: "const part = (value as Record<string, unknown>)['kind'];" }],
  },
  {
    name: `a claim or a settlement is written by Membership.write(), which hears that its replica is dead`,
    binds: (file) => isUnder(file, 'libs/', 'apps/') && !isUnder(file, 'libs/cluster/membership/'),
    brokenAt: ({ text }) => linesWhere(text, (line) => /\basReplica(Alone)?\b/.test(line)),
    breaks: [{ file: 'libs/execution/a.ts', text: 'await asReplica(db, holder, write);' }],
    keeps: [{ file: 'test/a.ts', text: 'await asReplica(db, holder, write);' }],
  },
  {
    name: 'the client uses nothing that Node 20 has not',
    binds: (file) => isUnder(file, 'libs/client/') && !isSpec(file),
    brokenAt: nodesWhere(isMember('Promise.withResolvers', 'Promise.try', 'Object.groupBy')),
    breaks: [{ file: 'libs/client/a.ts', text: 'const end = Promise.withResolvers<void>();' }],
    keeps: [{ file: 'libs/execution/a.ts', text: 'const end = Promise.withResolvers<void>();' }],
  },
  {
    name: `a test's title cites invariants I1 to I${INVARIANTS}`,
    binds: isSpec,
    brokenAt: nodesWhere(citesInvariantAbove(INVARIANTS)),
    breaks: ["it('I11 holds', run);", "describe.each([1])('I0', run);", 'it(`I99 of ${name}`, run);'].map(
      (text) => ({
        file: 'libs/a.spec.ts',
        text,
      }),
    ),
    keeps: [{ file: 'libs/a.spec.ts', text: "it('keeps I1 and I10 over any I/O', () => say('I12'));" }],
  },
];

describe('the house is tidy', () => {
  const sources = ['apps', 'libs', 'test'].flatMap(readSources);
  it('has files to look at', () => {
    expect(sources.length).toBeGreaterThan(1);
  });

  it('has no room of more than a dozen sources', () => {
    const rooms = Map.groupBy(
      sources.map(({ file }) => file).filter((file) => !isUnder(file, 'test/') && !isSpec(file)),
      (file) => file.slice(0, file.lastIndexOf('/')),
    );
    expect(rooms.size).toBeGreaterThan(ROOM_MAX);
    expect([...rooms].filter(([, files]) => files.length > ROOM_MAX)).toEqual([]);
  });

  it.each(rules)('$name', (rule) => {
    expect(sources.flatMap((source) => findings(rule, source))).toEqual([]);
  });
});

it('a page names its actors', () => {
  const docs = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  const pages = ['README.md', 'CHANGELOG.md', ...docs.map((name) => `docs/${name}`)];
  expect(pages.length).toBeGreaterThan(5);
  const unnamed = pages.flatMap((page) =>
    linesWhere(readFileSync(join(ROOT, page), 'utf8'), namesNoActor).map((line) => `${page}:${line}`),
  );
  expect(unnamed).toEqual([]);
});

describe('the main story', () => {
  const rows = storyRows(readFileSync(join(ROOT, 'docs/ARCHITECTURE.md'), 'utf8'));
  const lines = ({ text }: Source): number => text.trimEnd().split('\n').length;
  const files = new Map(readSources('libs').map((source) => [source.file, lines(source)]));

  it('is read in ten rooms, each row in its own, and in files of a bearable length', () => {
    expect(storyFindings(rows, files)).toEqual([]);
  });

  it('is not to be read where a file lies elsewhere, or two rows share a room', () => {
    const [first, second, ...others] = rows;
    if (first === undefined || second === undefined) throw new Error('expected a table of the story');
    expect(storyFindings([{ ...first, room: second.room }, second, ...others], files)).toEqual([
      `${STORY_ROOMS} rows in ${STORY_ROOMS - 1} rooms`,
      ...first.files.map((file) => `row ${first.number}: ${file} is not in ${second.room}`),
    ]);
    expect(storyFindings([{ ...first, files: [] }, second, ...others], files)).toEqual([
      `row ${first.number} names no file`,
    ]);
    const long = new Map([...files].map(([file]) => [file, STORY_LINES_MAX + 1]));
    expect(storyFindings(rows, long)).toHaveLength(rows.flatMap((row) => row.files).length);
  });
});

describe('a rule of tidiness', () => {
  it.each(rules)('finds what breaks it, and nothing else: $name', (rule) => {
    for (const source of rule.breaks) expect(findings(rule, source), source.text).not.toEqual([]);
    for (const source of rule.keeps) expect(findings(rule, source), source.text).toEqual([]);
  });
});

function readSources(folder: string): Source[] {
  const entries = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  const files = entries.filter((entry) => entry.endsWith('.ts') && !entry.includes('node_modules'));
  return files.toSorted().map((entry) => {
    const file = join(folder, entry);
    return { file, text: readFileSync(join(ROOT, file), 'utf8') };
  });
}

function findings(rule: Rule, source: Source): string[] {
  if (!rule.binds(source.file)) return [];
  return rule.brokenAt(source).map((line) => `${source.file}:${line} ${rule.name}`);
}

function openingComment(text: string): string {
  const start = ts.getShebang(text)?.length ?? 0;
  const comments = ts.getLeadingCommentRanges(text, start) ?? [];
  const code = text.slice(start).search(/\S/) + start;
  if (comments[0]?.pos !== code) return '';
  return comments
    .map(({ pos, end }) => text.slice(pos, end).replaceAll(/^\s*(\/\/|\/\*+|\*+\/?)|\*+\/$/gm, ''))
    .join(' ');
}

function hasFullSentence(comment: string): boolean {
  const sentences = comment.replaceAll(/\s+/g, ' ').match(/[A-Z`'"‘“].*?[.?!](?=\s|$)/g) ?? [];
  return sentences.some((sentence) => sentence.split(' ').length >= HEADER_WORDS_MIN);
}
