// What do statements that plan schedules mean, and those that look for the owner of a slot?
import { fireKey, NOT_TRIED, type FireRow, type RunRow, type ScheduleRow } from '../model-database.js';
import { CATCH_UP } from '#scheduling/decisions/planning.js';
import { answer, BLOCKED, listed, zipped, type Meaning, type Scene } from './meaning.js';

export const SCHEDULING_STATEMENTS: readonly Meaning[] = [
  {
    name: 'findDueSchedules',
    says: [
      'as "nowMs", due.id, due.spec, due.catch_up as "catchUp", due.state',
      'from carillon.schedule s cross join lateral',
    ],
    run: findDueSchedules,
  },
  {
    name: 'countDueSchedules',
    says: ['select count(*)::int as count from (select 1 from carillon.schedule where next_due_at <='],
    run: ({ db, params, server }) => {
      const [ahead, limit] = params as [number, number];
      const due = db.schedule.rows().filter((row) => isDue(row, server.wallMs() + ahead * 1_000));
      return answer([{ count: Math.min(limit, due.length) }]);
    },
  },
  {
    name: 'countRunsOf',
    says: ['select t.id, carillon.count_runs(t.id, t.max_queued) as count'],
    run: ({ db, params, broken }) => {
      const isBlind = broken.has('what waits is not counted before more is planned');
      const [ids, limits] = (params as string[]).map(listed);
      return answer(
        (zipped(ids, limits) as [string, string][]).map(([id, maxQueued]) => {
          const runs = db.run.rows().filter(({ tenantId }) => tenantId === id && !isBlind);
          return { id, count: Math.min(Number(maxQueued), runs.length) };
        }),
      );
    },
  },
  {
    name: 'writePlans',
    says: [
      'with advanced as ( update carillon.schedule s set next_due_at = a.due_to',
      'insert into carillon.fire',
      'on conflict (schedule_id, due_at) do nothing',
      'insert into carillon.run (id, tenant_id, slot, job_type, schedule_id, due_at',
    ],
    run: writePlans,
  },
  {
    name: 'lockSlotOwner',
    says: ['select "owner" from "carillon"."slot_owner" where "slot" = $1 for share'],
    run: ({ db, tx, params }) => {
      const slot = params[0] as number;
      return db.slot.lock(slot, tx, 'share')
        ? answer([{ owner: db.slot.get(slot)?.owner ?? null }])
        : BLOCKED;
    },
  },
  {
    name: 'ownerOfSlot',
    says: ['select "owner" from "carillon"."slot_owner" where "slot" = $1'],
    run: ({ db, params }) => answer([{ owner: db.slot.get(params[0] as number)?.owner ?? null }]),
  },
];

function findDueSchedules({ db, params, server, text, broken }: Scene): ReturnType<Meaning['run']> {
  const nowMs = server.wallMs();
  const [catchUp, ahead, full, except] = params as [number, number, string, string];
  const pastLimit = params.at(-1) as number;
  const tenants = params.length === 10 ? listed(params[4] as string) : null;
  const limit = params[tenants === null ? 4 : 5] as number;
  const isOnly = text.includes('s.tenant_id = any(');
  const isBlind = broken.has('crowds of due times that are planned with the others');
  const isAmong = ({ tenantId }: ScheduleRow): boolean =>
    tenants === null || isBlind || tenants.includes(tenantId) === isOnly;
  const oldestMs = nowMs - catchUp * 1_000;
  const due = db.schedule
    .rows()
    .filter((row) => {
      const isAhead = mayRunNext(row) && !listed(full).includes(row.tenantId);
      return isDue(row, nowMs + (isAhead ? ahead * 1_000 : 0));
    })
    .filter((row) => !listed(except).includes(row.id) && isAmong(row))
    .toSorted((a, b) => (a.nextDueMs ?? 0) - (b.nextDueMs ?? 0));
  const isPast = ({ nextDueMs }: ScheduleRow): boolean => nextDueMs !== null && nextDueMs < oldestMs;
  const present = due.filter((row) => !isPast(row)).slice(0, limit);
  const past = due.filter(isPast).slice(0, pastLimit);
  const { suspendedMs, resumedMs } = { suspendedMs: null, resumedMs: null };
  return answer(
    [...present, ...past].map((row) => ({
      ...row,
      nowMs,
      pausedUntilMs: broken.has('pauses whose end the planner does not see') ? null : row.pausedUntilMs,
      suspendedMs,
      resumedMs,
      isPast: isPast(row),
      maxQueued: db.tenant.get(row.tenantId)?.limits.maxQueued,
      spec: JSON.parse(row.spec) as object,
      catchUp: row.catchUp === null ? null : (JSON.parse(row.catchUp) as object),
    })),
  );
}

function mayRunNext({ state, pausedUntilMs, nextDueMs }: ScheduleRow): boolean {
  return state === 'active' || (pausedUntilMs ?? Infinity) <= (nextDueMs ?? 0);
}

function isDue({ nextDueMs }: ScheduleRow, untilMs: number): boolean {
  return nextDueMs !== null && nextDueMs <= untilMs;
}

function writePlans({ db, tx, params, broken, server }: Scene): ReturnType<Meaning['run']> {
  const blind = broken.has('planning without fence, compare-and-set and unique ledger');
  const [ids, froms, tos, revisions, , numbers, dues, runIds, outcomes] = (
    params as [string, string, string, string, string, string, string, string, string]
  ).map((param) => (typeof param === 'string' ? listed(param) : []));
  const reasons = params[9] as (string | null)[];
  const advances = zipped(ids, froms, tos, revisions) as [string, string, string, string][];
  const fits = ([id, from, , revision]: (typeof advances)[number]): boolean => {
    const row = db.schedule.get(id, tx);
    return (
      row !== null && (blind || (row.nextDueMs === Date.parse(from) && row.revision === Number(revision)))
    );
  };
  const wanted = advances.filter(fits).map(([id]) => id);
  if (!db.schedule.lockAll(wanted, tx)) return BLOCKED;
  const advanced = new Map(advances.filter(fits).map(([id, , to]) => [id, to]));
  const fires = (zipped(numbers, dues, runIds) as [string, string, string][]).flatMap(
    ([number, due, run], index) => {
      const schedule = ids?.[Number(number) - 1] ?? '';
      const outcome = outcomes?.[index] ?? 'planned';
      const reason = reasons[index] ?? null;
      if (reason === 'limit' && broken.has('due times that find no place are passed over')) return [];
      return advanced.has(schedule)
        ? [{ schedule, dueMs: Date.parse(due), outcome, reason, run: run === 'NULL' ? null : run }]
        : [];
    },
  );
  const isNew = ({ schedule, dueMs }: (typeof fires)[number]): boolean =>
    blind || db.fire.get(fireKey(schedule, dueMs), tx) === null;
  // A row that another transaction is just inserting must be waited for, before it is known whose it is.
  const keys = fires.filter(isNew).map(({ schedule, dueMs }) => fireKey(schedule, dueMs));
  if (!db.fire.lockAll(keys, tx)) return BLOCKED;
  for (const [id, to] of advanced) {
    const row = db.schedule.get(id, tx);
    if (row !== null) db.schedule.write(id, tx, { ...row, nextDueMs: to === 'NULL' ? null : Date.parse(to) });
  }
  const decided = fires.filter(isNew);
  for (const { schedule, dueMs, run } of decided) tx.acts.push({ kind: 'plan', schedule, dueMs, run });
  for (const fire of decided) db.fire.write(fireKey(fire.schedule, fire.dueMs), tx, fire);
  for (const fire of decided) {
    const row = db.schedule.get(fire.schedule, tx);
    if (row !== null && !blind) server.invariants.noteDecided(fire, row);
  }
  const soonUntilMs = server.wallMs() + (params.at(-1) as number) * 1_000;
  const slots = decided
    .flatMap((fire) => placeRun({ db, tx, server, broken }, fire))
    .filter(({ runAtMs }) => runAtMs < soonUntilMs);
  return answer([...new Set(slots.map(({ slot }) => slot))].map((slot) => ({ slot })));
}

function placeRun(
  { db, tx, server, broken }: Pick<Scene, 'db' | 'tx' | 'server' | 'broken'>,
  { schedule, dueMs, reason, run: id }: FireRow,
): RunRow[] {
  const row = db.schedule.get(schedule, tx);
  if (id === null || row === null) return [];
  const run: RunRow = {
    ...NOT_TRIED,
    id,
    tenantId: row.tenantId,
    slot: row.slot,
    jobType: row.jobType,
    queue: 'default',
    concurrencyKey: row.concurrencyKey,
    schedule,
    priority: 0,
    payload: row.payload,
    dueMs,
    runAtMs: reason === CATCH_UP ? server.wallMs() : dueMs,
    deadlineMs: null,
    ...(row.locks === undefined || broken.has('runs without the locks of their schedule')
      ? {}
      : { ownLocks: row.locks }),
  };
  db.run.lock(id, tx, 'write');
  db.run.write(id, tx, run);
  return [run];
}
