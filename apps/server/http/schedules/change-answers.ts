// What is answered to a change of a schedule: the schedule, or the problem that stood against it.
import type { Response } from 'express';
import type { Schedule } from '#scheduling/schedules/schedule.repository.js';
import type { Followed } from '#scheduling/following/refused.js';
import type { ChangeResult } from '#scheduling/schedules/schedules.js';
import { etagOf, staleRevision } from '../answers/etag.js';
import { invalidField, notFound, ownerHangs, ProblemError } from '../problems/problem.js';
import { isFollowed } from './policies/following.shapes.js';
import { showSchedule } from './schedule.shapes.js';
import { invalidSpec } from './spec.shapes.js';

interface Asked {
  name: string;
  /** Null for any. */
  revision: number | null;
  /** As in "a schedule that can be edited". */
  verb: string;
}

/** Throws a problem unless the schedule was changed. */
export function answerOf(result: ChangeResult, asked: Asked, response: Response) {
  if (result.kind !== 'changed') throw problemOf(result, asked);
  return answerWith(result.schedule, response);
}

export function answerWith(schedule: Schedule, response: Response) {
  response.setHeader('ETag', etagOf(schedule.revision));
  return showSchedule(schedule);
}

export function problemOf(
  result: Exclude<ChangeResult, { kind: 'changed' }> | Followed,
  { name, revision, verb }: Asked,
): ProblemError {
  switch (result.kind) {
    case 'not-found':
      return notFound('schedule', name);
    case 'stale':
      return staleRevision({ current: result.currentRevision, sent: revision });
    case 'invalid-state':
      return new ProblemError(
        'invalid-state',
        `expected a schedule that can be ${verb}, got one whose state is ${result.state}`,
        { currentState: result.state },
      );
    case 'invalid-spec':
      return invalidSpec(result);
    case 'until-has-passed':
      return invalidField(
        '/until',
        `expected an instant after ${result.now.toISOString()}, got ${result.until.toISOString()}`,
      );
    case 'no-catch-up':
      return invalidField(
        '/catchUp',
        `expected a schedule whose catchUp has the mode latest or all, got one whose mode is ${result.mode}`,
      );
    case 'no-place':
      return noPlaceToCatchUp(name, result);
    case 'owner-hangs':
      return ownerHangs();
    case 'followed':
      return isFollowed(name, result.schedules);
    case 'unwanted':
      return new ProblemError(
        'invalid-state',
        `expected the version of ${name} that came last, got another one`,
      );
    case 'defined-in-code':
      return definedInCode(name, result.jobType);
  }
}

function noPlaceToCatchUp(
  name: string,
  { wanted, maxQueued, queued }: Extract<ChangeResult, { kind: 'no-place' }>,
): ProblemError {
  return new ProblemError(
    'quota-exceeded',
    `expected room for the ${wanted} runs that ${name} is to catch up on, got ${queued} unfinished runs of at most ${maxQueued} (maxQueued)`,
  );
}

function definedInCode(name: string, jobType: string): ProblemError {
  return new ProblemError(
    'invalid-state',
    `expected a schedule that was made through the API, got ${name}, which is defined in code by job type ${jobType}: change it there, or pause it`,
  );
}
