// Which statements does a session keep? For a run that comes alone, three quarters of the database's time went into
// planning the same texts again and again. So a text of ours that is sent repeatedly gets a name, under which each
// session parses it once; after a few times the server keeps a plan for it, too (plan_cache_mode = auto).
//
// Two kinds get no name: statements of other code on our connections (a handler's, pg-boss's), and those that fit
// one text to several questions by `$1 is null or …`, which are planned for the given values. Texts that were put
// together anew each time would fill the server's memory: only so many get a name, and none before it was repeated.
import { hash } from 'node:crypto';
import { Remembered } from '#kernel/remembered.js';
import { isPreparedStatementMissing, isStalePlan } from './error-kind.js';

const REPEATED = 3;
const NAMED_MAX = 300;
const COUNTED_MAX = 2_000;
const OURS = /\bcarillon\b/;
const PLANNED_FOR_VALUES = /\$\d+(::\w+)? is null or /;

/** The names that the sessions of one pool share. */
export class PreparedStatements {
  readonly #names = new Map<string, string>();
  readonly #counts = new Remembered<string, number>({ max: COUNTED_MAX });
  readonly #onGivenUp: (error: Error) => void;
  #isGivenUp = false;

  /** `onGivenUp`: called once, when something between us and the server turns out to mix up sessions. */
  constructor(onGivenUp: (error: Error) => void) {
    this.#onGivenUp = onGivenUp;
  }

  /** Null for a statement that is sent without a name. */
  nameOf(text: string): string | null {
    if (this.#isGivenUp) return null;
    const name = this.#names.get(text);
    if (name !== undefined) return name;
    if (this.#names.size >= NAMED_MAX || !isRepeatable(text)) return null;
    const count = (this.#counts.get(text) ?? 0) + 1;
    if (count < REPEATED) {
      this.#counts.set(text, count);
      return null;
    }
    this.#counts.delete(text);
    return this.#rename(text, 1);
  }

  /**
   * Whether the named statement failed because of its name, before anything was done. A plan whose columns a migration
   * has changed lives on under its name in each session, so the text gets another name.
   */
  hasFailed(text: string, error: unknown): boolean {
    if (isPreparedStatementMissing(error)) {
      if (!this.#isGivenUp) this.#onGivenUp(new PreparedStatementsLostError(error));
      this.#isGivenUp = true;
      return true;
    }
    if (!isStalePlan(error)) return false;
    const [, version = '1'] = /_(\d+)$/.exec(this.#names.get(text) ?? '') ?? [];
    this.#rename(text, Number(version) + 1);
    return true;
  }

  #rename(text: string, version: number): string {
    const name = `carillon_${hash('sha256', text, 'hex').slice(0, 16)}_${version}`;
    this.#names.set(text, name);
    return name;
  }
}

/** Statements go on being sent, but without names. */
export class PreparedStatementsLostError extends Error {
  override readonly name = 'PreparedStatementsLostError';

  constructor(cause: unknown) {
    super(
      'expected each connection to keep its prepared statements, got one that does not, as behind a pooler: ' +
        'set CARILLON_PREPARED_STATEMENTS to false',
      { cause },
    );
  }
}

function isRepeatable(text: string): boolean {
  return OURS.test(text) && !PLANNED_FOR_VALUES.test(text);
}
