// Audits the due times of a schedule in a span. They are computed in slices, one audit at a time for each tenant, and an
// audit that finds too many, or takes too long, ends where it has come to.
import { inSnapshot, type Database } from '#database/connection.js';
import type { ScheduleId } from '#kernel/ids.js';
import { audit, type AuditVerdict } from '#scheduling/revisions/decisions/audit.js';
import { DueWalk, type Span } from '#scheduling/revisions/decisions/walk.js';
import { readPast } from '#scheduling/revisions/audit.repository.js';
import { readUnanswered } from '#scheduling/revisions/followed.repository.js';
import { Slices } from '../schedules/computing/slices.js';

const DUE_TIMES_MAX = 10_000;
/** Without the waiting between slices. */
const AUDIT_MS_MAX = 1_000;

export interface Audited extends AuditVerdict {
  /** What lies before it is not known any more. */
  auditedFrom: Date;
  /** What comes from then on was too much. */
  auditedUntil: Date;
  isComplete: boolean;
}

export class Audits extends Slices {
  async of(db: Database, { scheduleId, from, to }: Span & { scheduleId: ScheduleId }): Promise<Audited> {
    const asked = { scheduleId, from, to, limit: DUE_TIMES_MAX };
    const { firesEndAt, unanswered, ...past } = await inSnapshot(db, async (tx) => {
      const read = await readPast(tx, asked);
      return { ...read, unanswered: await readUnanswered(tx, { ...asked, to: read.firesEndAt ?? to }) };
    });
    const knownSince = past.stretches[0]?.since ?? to;
    const auditedFrom = latest(from, new Date(knownSince.getTime() + 1));
    const end = firesEndAt ?? to;
    const walk = new DueWalk(
      past.stretches,
      { from: auditedFrom, to: latest(auditedFrom, end) },
      DUE_TIMES_MAX,
    );
    await this.compute((mayGoOn) => walk.goOn(mayGoOn), AUDIT_MS_MAX);
    const auditedUntil = walk.until;
    const isIn = (dueAt: Date): boolean => dueAt >= auditedFrom && dueAt < auditedUntil;
    const verdict = audit({
      ...past,
      stretches: past.stretches.map((stretch) =>
        walk.unreadable.has(stretch) ? { ...stretch, spec: null } : stretch,
      ),
      dueTimes: walk.dueTimes,
      fires: past.fires.filter(({ dueAt }) => isIn(dueAt)),
      doubled: past.doubled.filter(isIn),
      unanswered: unanswered.filter(isIn),
    });
    return { ...verdict, auditedFrom, auditedUntil, isComplete: auditedUntil >= to };
  }
}

function latest(a: Date, b: Date): Date {
  return a > b ? a : b;
}
