// What stands against a change of a schedule because of the one that it follows, or of those that follow it.
import { isMissing } from '#database/error-kind.js';

/** Others follow its runs, so it can't be deleted. */
export interface Followed {
  kind: 'followed';
  schedules: number;
}

/** The trigger has the last word (migrations/0049). Null for another error. */
export function refusedToFollow(error: unknown) {
  const wrong = { kind: 'invalid-spec', field: 'afterSuccessOf' } as const;
  if (isMissing(error, 'schedule_following_is_there'))
    return { ...wrong, expected: 'a schedule that is there', got: 'one that was deleted meanwhile' };
  if (isMissing(error, 'schedule_following_is_no_circle'))
    return {
      ...wrong,
      expected: 'a schedule that neither is this one nor follows it, also over others',
      got: 'one that would close a circle',
    };
  return null;
}
