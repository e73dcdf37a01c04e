// A rule of the house for transactions: one whose isolation is not said has that of the database, which an administrator may
// have set.
import { isSpec, isUnder, linesWhere, type Rule } from './source-code.js';

const BEGINS = 'libs/database/connection.ts';
const BEGIN = /\.(t|startT)ransaction\(\)|(query\(|sql)[`'"](begin|start transaction)\b/i;

export const transactionRule: Rule = {
  name: `a transaction begins in ${BEGINS}, which says its isolation`,
  binds: (file) => isUnder(file, 'libs/', 'apps/') && file !== BEGINS && !isSpec(file),
  brokenAt: ({ text }) => linesWhere(text, (line) => BEGIN.test(line)),
  breaks: [
    'db.transaction()',
    '.startTransaction()',
    "client.query('BEGIN')",
    'sql`begin`',
    'sql`start transaction`',
  ].map((text) => ({ file: 'libs/a.ts', text })),
  keeps: [BEGINS, 'libs/a.spec.ts'].map((file) => ({ file, text: 'db.transaction()' })),
};
