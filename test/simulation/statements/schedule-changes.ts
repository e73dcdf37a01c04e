// What do statements that change schedules, or delete them, mean?
import { fireKey, type ScheduleRow } from '../model-database.js';
import { answer, at, BLOCKED, changed, msOf, type Meaning, type Scene } from './meaning.js';

export const SCHEDULE_CHANGE_STATEMENTS: readonly Meaning[] = [
  {
    name: 'lockSchedule',
    says: ['from "carillon"."schedule" where "tenant_id" = $1 and "name" = $2 for update'],
    run: ({ db, tx, params, server }) => {
      const [tenantId, name] = params as [string, string];
      const found = db.schedule.rows().find((row) => row.tenantId === tenantId && row.name === name);
      if (found === undefined) return answer();
      if (!db.schedule.lock(found.id, tx, 'write')) return BLOCKED;
      const row = db.schedule.get(found.id, tx);
      tx.acts.push({ kind: 'schedule-held', schedule: found.id, wallMs: server.wallMs() });
      return row === null ? answer() : answer([shown(row, server.wallMs())]);
    },
  },
  {
    name: 'updateSchedule',
    says: ['update "carillon"."schedule" set "job_type" = $1'],
    run: updateSchedule,
  },
  {
    name: 'deleteSchedule',
    says: [
      'with said as ( insert into carillon.schedule_revision',
      'delete from carillon.schedule where id = $',
    ],
    run: deleteSchedule,
  },
  {
    name: 'revokePlanned',
    says: ['with revoked as ( delete from carillon.run r'],
    run: revokePlanned,
  },
  {
    // The user of the model skips nothing.
    name: 'forgetSkippedAhead',
    says: ["delete from carillon.fire where schedule_id = $1 and due_at > $2 and outcome = 'skipped'"],
    run: () => changed(0, 'DELETE'),
  },
  {
    name: 'leaveGap',
    says: ['insert into carillon.schedule_gap', 'from (select'],
    run: leaveGap,
  },
  {
    name: 'databaseTime',
    says: ['select clock_timestamp() as now'],
    run: ({ server }) => answer([{ now: at(server.wallMs()) }]),
  },
];

function shown(
  { nextDueMs, specSinceMs, pausedUntilMs, spec, catchUp, ...row }: ScheduleRow,
  wallMs: number,
): object {
  const nextDueAt = nextDueMs === null ? null : at(nextDueMs);
  const specSince = specSinceMs === null ? null : at(specSinceMs);
  const policy = catchUp === null ? null : (JSON.parse(catchUp) as object);
  return {
    ...row,
    spec: JSON.parse(spec) as object,
    catchUp: policy,
    nextDueAt,
    specSince,
    pausedAt: null,
    pausedUntil: pausedUntilMs === null ? null : at(pausedUntilMs),
    pauseReason: null,
    isPaused: row.state === 'paused' && (pausedUntilMs ?? Infinity) > wallMs,
    source: 'api',
    removedFromCodeAt: null,
    createdAt: at(0),
    updatedAt: at(0),
  };
}

function updateSchedule({ db, tx, params, broken, server }: Scene): ReturnType<Meaning['run']> {
  const [jobType, spec, payload, state, , pausedUntil, , nextDueAt, specSince, , id] = params as [
    string,
    string,
    string,
    ScheduleRow['state'],
    Date | null,
    Date | null,
    string | null,
    Date | null,
    Date | null,
    string,
    string,
  ];
  if (!db.schedule.lock(id, tx, 'write')) return BLOCKED;
  const row = db.schedule.get(id, tx);
  if (row === null) return answer();
  const isJump = state !== row.state && broken.has('pauses jump over what was due');
  const next = {
    ...row,
    jobType,
    spec,
    payload: JSON.parse(payload) as unknown,
    state,
    pausedUntilMs: pausedUntil === null ? null : msOf(pausedUntil),
    nextDueMs: nextDueAt === null ? null : isJump ? nextAfter(spec, server.wallMs()) : msOf(nextDueAt),
    specSinceMs: specSince === null ? null : msOf(specSince),
    revision: row.revision + 1,
  };
  db.schedule.write(id, tx, next);
  tx.acts.push({ kind: 'schedule-changed', schedule: id, spec, wallMs: server.wallMs() });
  return answer([shown(next, server.wallMs())], 'UPDATE');
}

function nextAfter(spec: string, wallMs: number): number {
  const { seconds, anchorAt } = JSON.parse(spec) as { seconds: number; anchorAt: string };
  const anchorMs = Date.parse(anchorAt);
  return anchorMs + Math.max(0, Math.ceil((wallMs - anchorMs) / (seconds * 1_000))) * seconds * 1_000;
}

function deleteSchedule({ db, tx, params, server }: Scene): ReturnType<Meaning['run']> {
  const id = params.at(-1) as string;
  if (!db.schedule.lock(id, tx, 'write')) return BLOCKED;
  if (db.schedule.get(id, tx) === null) return changed(0, 'DELETE');
  db.schedule.write(id, tx, null);
  tx.acts.push({ kind: 'schedule-changed', schedule: id, spec: null, wallMs: server.wallMs() });
  return changed(1, 'DELETE');
}

function revokePlanned({ db, tx, params, broken }: Scene): ReturnType<Meaning['run']> {
  const [schedule, since] = params as [string, Date | null];
  const isForgotten = broken.has('what a former spec had planned is asked of the present one');
  const sinceMs = since === null || isForgotten ? Number.NEGATIVE_INFINITY : msOf(since);
  const claims = broken.has('claimed runs are taken back, too') ? [] : db.claim.rows();
  const claimed = new Set(claims.flatMap(({ runs }) => runs));
  const open = db.run.rows().filter((run) => {
    const fire =
      run.schedule === schedule && run.dueMs !== null ? db.fire.get(fireKey(schedule, run.dueMs)) : null;
    const isOpen = fire?.outcome === 'planned' && fire.reason !== 'retry' && fire.dueMs > sinceMs;
    return isOpen && !claimed.has(run.id);
  });
  const keys = open.map(({ dueMs }) => fireKey(schedule, dueMs ?? 0));
  if (
    !db.run.lockAll(
      open.map(({ id }) => id),
      tx,
    ) ||
    !db.fire.lockAll(keys, tx)
  )
    return BLOCKED;
  const reopened: object[] = [];
  for (const { id, dueMs } of open) {
    if (dueMs === null || db.run.get(id, tx) === null) continue;
    db.run.write(id, tx, null);
    tx.acts.push({ kind: 'run-gone', run: id });
    if (db.fire.get(fireKey(schedule, dueMs), tx)?.run !== id) continue;
    db.fire.write(fireKey(schedule, dueMs), tx, null);
    reopened.push({ dueAt: at(dueMs) });
  }
  return answer(reopened, 'DELETE');
}

function leaveGap({ db, tx, params, broken }: Scene): ReturnType<Meaning['run']> {
  const [outcome, reason, from, to, schedule] = params as [string, string, Date, Date, string];
  const row = db.schedule.get(schedule, tx);
  if (row === null) return changed(0, 'INSERT');
  if (reason === 'schedule changed' && broken.has('what was due before a change is not noted'))
    return changed(1, 'INSERT');
  if (reason === 'schedule deleted' && broken.has('what was due before a deletion is not noted'))
    return changed(1, 'INSERT');
  const id = String(db.next('gap'));
  db.gap.lock(id, tx, 'write');
  const { spec, state, pausedUntilMs } = row;
  const gap = { outcome, reason, fromMs: msOf(from), toMs: msOf(to) };
  db.gap.write(id, tx, { id, schedule, spec, state, pausedUntilMs, ...gap });
  return changed(1, 'INSERT');
}
