// What does each statement do? The replicas under test send the SQL of our repositories; the book knows each
// text and what it does to the model. A text that it doesn't know, or that has changed since its meaning was
// written down here, fails the simulation: a model of yesterday's statements would prove nothing.
import type { Broken } from './broken-protocols.js';
import type { Answer } from './connection.js';
import { goldenTexts, isUpdatingGolden, layOut, noteSent } from './golden-texts.js';
import { CLUSTER_STATEMENTS } from './statements/cluster.js';
import { ENDING_STATEMENTS } from './statements/ending.js';
import { EXECUTION_STATEMENTS } from './statements/execution.js';
import { GAP_STATEMENTS } from './statements/gaps.js';
import { KEY_BLOCK_STATEMENTS } from './statements/key-blocks.js';
import { LEASE_STATEMENTS } from './statements/leases.js';
import { LEADERSHIP_STATEMENTS } from './statements/leadership.js';
import { LOCK_STATEMENTS } from './statements/lock-statements.js';
import { LOOKING_STATEMENTS } from './statements/looking.js';
import { LIMIT_STATEMENTS } from './statements/limits.js';
import { PLAIN_END_STATEMENTS } from './statements/plain-ends.js';
import { REPORT_STATEMENTS } from './statements/reports.js';
import { REVOCATION_STATEMENTS } from './statements/revocation.js';
import { SCHEDULE_CHANGE_STATEMENTS } from './statements/schedule-changes.js';
import { SCHEDULING_STATEMENTS } from './statements/scheduling.js';
import { SESSION_STATEMENTS } from './statements/session.js';
import { SETTLEMENT_STATEMENTS } from './statements/settlement.js';
import { SLOT_STATEMENTS } from './statements/slots.js';
import { TAKING_IN_STATEMENTS } from './statements/taking-in.js';
import type { BLOCKED, Meaning, Scene } from './statements/meaning.js';

const BOOK: readonly Meaning[] = [
  ...REPORT_STATEMENTS, // first: one of them takes a lock in passing
  ...SESSION_STATEMENTS,
  ...CLUSTER_STATEMENTS,
  ...LEADERSHIP_STATEMENTS,
  ...SLOT_STATEMENTS,
  ...KEY_BLOCK_STATEMENTS, // before: one of them claims in another way
  ...EXECUTION_STATEMENTS,
  ...TAKING_IN_STATEMENTS,
  ...LOOKING_STATEMENTS,
  ...LIMIT_STATEMENTS,
  ...LOCK_STATEMENTS,
  ...SETTLEMENT_STATEMENTS,
  ...PLAIN_END_STATEMENTS,
  ...REVOCATION_STATEMENTS,
  ...ENDING_STATEMENTS,
  ...LEASE_STATEMENTS,
  ...GAP_STATEMENTS,
  ...SCHEDULE_CHANGE_STATEMENTS,
  ...SCHEDULING_STATEMENTS,
];

/** By the text as it is sent, once it was. */
const known = new Map<string, Meaning>();
const golden = goldenTexts();

export const STATEMENT_NAMES: readonly string[] = BOOK.map(({ name }) => name);

/** Meanings and texts that were never asked for: their statements are sent no more, or the simulation never gets there. */
export function unusedStatements(): string[] {
  const used = new Set([...known].map(([text, { name }]) => `${name}: ${layOut(text)}`));
  return [...golden].flatMap(([name, texts]) =>
    texts.map((text) => `${name}: ${text}`).filter((each) => !used.has(each)),
  );
}

export class StatementBook {
  constructor(readonly broken: Broken) {}

  execute(text: string, scene: Omit<Scene, 'broken' | 'text'>): Answer | typeof BLOCKED {
    return meaningOf(text).run({ ...scene, text, broken: this.broken });
  }

  nameOf(text: string): string {
    return meaningOf(text).name;
  }

  describe(text: string, params: readonly unknown[]): string {
    const shown = params.map((param) =>
      param instanceof Date ? param.toISOString() : JSON.stringify(param),
    );
    return `${meaningOf(text).name}(${shown.join(', ')})`;
  }
}

function meaningOf(text: string): Meaning {
  let meaning = known.get(text);
  if (meaning === undefined) {
    meaning = lookUp(text);
    known.set(text, meaning);
  }
  return meaning;
}

function lookUp(text: string): Meaning {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  const found = BOOK.find(({ says }) => says.every((part) => line.includes(part)));
  if (found === undefined)
    throw new Error(`expected a statement that test/simulation/statements knows, got: ${line}`);
  if (isUpdatingGolden) noteSent(found.name, text);
  else if (golden.get(found.name)?.includes(layOut(text)) !== true)
    throw new Error(
      `the SQL of ${found.name} has changed: read its meaning in test/simulation/statements, change it if it is another now, and write ` +
        `the text down (UPDATE_GOLDEN=1, test/README.md). It says:\n${layOut(text)}`,
    );
  return found;
}
