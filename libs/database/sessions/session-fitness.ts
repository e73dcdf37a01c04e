// Can our sessions do what the protocol requires? Checked before any other use of a database, so that an operator
// learns at once which setting is wrong and how to mend it, and not an hour later from the damage.
import type { Database } from '#database/connection.js';
import { unfitnessOf, type SessionReport } from '#database/decisions/session-settings.js';
import { reportSession } from './session-report.repository.js';

/** The way to the database breaks our sessions; no retry will help until the setting is changed. */
export class UnfitSessionError extends Error {
  override readonly name = 'UnfitSessionError';
}

/** Throws UnfitSessionError with every reason that there is. */
export async function refuseUnfitSession(db: Database): Promise<SessionReport> {
  const report = await reportSession(db);
  const reasons = unfitnessOf(report);
  if (reasons.length > 0) throw new UnfitSessionError(reasons.join('\n'));
  return report;
}
