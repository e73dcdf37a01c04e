// How do a thousand runs that start together learn of their job types? By one statement: whoever asks in one turn of
// the process is answered together.
import { describeError } from '#client/thrown-error.js';
import type { Database } from '#database/connection.js';
import type { TenantId } from '#kernel/ids.js';
import type { JobType } from './job-type.js';
import { findJobTypes, parseJobType, type StoredJobType } from './job-type.repository.js';

interface Question {
  tenantId: TenantId;
  name: string;
  answer: PromiseWithResolvers<JobType | undefined>;
}

/** What is stored is no job type: asking again would bring the same answer. */
export class SpoiltJobType extends Error {
  override readonly name = 'SpoiltJobType';
}

export class JobTypeReader {
  readonly #waiting = new Map<Database, Question[]>();

  /** Rejects when the database could not be asked, and with SpoiltJobType when what it said can't be understood. */
  find(db: Database, asked: Pick<Question, 'tenantId' | 'name'>): Promise<JobType | undefined> {
    const question = { ...asked, answer: Promise.withResolvers<JobType | undefined>() };
    const together = this.#waiting.get(db);
    if (together !== undefined) together.push(question);
    else {
      this.#waiting.set(db, [question]);
      queueMicrotask(() => void this.#ask(db));
    }
    return question.answer.promise;
  }

  async #ask(db: Database): Promise<void> {
    const questions = this.#waiting.get(db) ?? [];
    this.#waiting.delete(db);
    try {
      const found = await findJobTypes(db, questions);
      for (const [index, { answer }] of questions.entries()) tell(answer, found[index]);
    } catch (error) {
      for (const { answer } of questions) answer.reject(error);
    }
  }
}

function tell(answer: Question['answer'], found: StoredJobType | undefined): void {
  try {
    answer.resolve(found && parseJobType(found));
  } catch (error) {
    const { message } = describeError(error);
    answer.reject(new SpoiltJobType(`expected job type ${found?.name} to be readable, got ${message}`));
  }
}
