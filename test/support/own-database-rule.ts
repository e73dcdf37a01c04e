// A rule of the house for integration tests, which share a server: one that ended each session with a lock on replica 1
// ended another test's, and one that waited for any lock may see another test's.
import type { Rule } from './source-code.js';

const LITERAL = /`[^`]*`|'[^'\n]*'|"[^"\n]*"/g;
const LOOKS_AROUND = /from pg_(locks|stat_activity)\b/;

const sample = (text: string) => ({ file: 'test/integration/sample.spec.ts', text });

export const ownDatabaseRule: Rule = {
  name: 'a test looks at the locks and sessions of its own database',
  // That one has a server of its own.
  binds: (file) => file.startsWith('test/integration/') && !file.endsWith('/embedded-postgres.spec.ts'),
  brokenAt: ({ text }) =>
    [...text.matchAll(LITERAL)]
      .filter(([literal]) => LOOKS_AROUND.test(literal) && !literal.includes('datname'))
      .map(({ index }) => text.slice(0, index).split('\n').length),
  breaks: ["'select 1 from pg_locks where not granted'", '`select 1\n from pg_stat_activity`'].map(sample),
  keeps: [sample("'select 1 from pg_stat_activity where datname = current_database()'")],
};
