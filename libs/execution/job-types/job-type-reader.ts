// Reads the job types of a thousand runs that start together in one statement: it gathers all questions of one turn of
// the event loop.
import { describeError } from '#client/jobs/thrown-error.js';
import type { Database } from '#database/connection.js';
import type { TenantId, TenantName } from '#kernel/ids.js';
import type { JobType } from './job-type.js';
import { findJobTypes, parseJobType, type FoundJobType } from './job-type.repository.js';

interface Question {
  tenantId: TenantId;
  name: string;
  answer: PromiseWithResolvers<KnownJobType>;
}

export interface KnownJobType {
  tenant: TenantName;
  /** Undefined when there is none. */
  jobType: JobType | SpoiltJobType | undefined;
}

/** The stored row is no job type: reading it again would bring the same answer. */
export class SpoiltJobType extends Error {
  override readonly name = 'SpoiltJobType';
}

export class JobTypeReader {
  readonly #waiting = new Map<Database, Question[]>();

  /** Rejects when the database could not be asked. */
  find(db: Database, asked: Pick<Question, 'tenantId' | 'name'>): Promise<KnownJobType> {
    const question = { ...asked, answer: Promise.withResolvers<KnownJobType>() };
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
      for (const [index, { answer }] of questions.entries()) {
        const one = found[index];
        if (one === undefined) answer.reject(new Error('expected an answer to each question, got fewer'));
        else answer.resolve(knownFrom(one));
      }
    } catch (error) {
      for (const { answer } of questions) answer.reject(error);
    }
  }
}

function knownFrom({ tenant, stored }: FoundJobType): KnownJobType {
  try {
    return { tenant, jobType: stored && parseJobType(stored) };
  } catch (error) {
    const { message } = describeError(error);
    const spoilt = new SpoiltJobType(`expected job type ${stored?.name} to be readable, got ${message}`);
    return { tenant, jobType: spoilt };
  }
}
