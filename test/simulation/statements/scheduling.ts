// What do statements about schedules, their planning and their ledger mean?
import { fireKey, NOT_TRIED, type ScheduleRow } from '../model-database.js';
import { answer, at, BLOCKED, changed, msOf, zipped, type Meaning, type Scene } from './meaning.js';

export const SCHEDULING_STATEMENTS: readonly Meaning[] = [
  {
    name: 'findDueSchedules',
    says: ['select now() as now, id, tenant_id as "tenantId"', 'from carillon.schedule where next_due_at <='],
    texts: ['4lpc7g'],
    run: ({ db, params, server }) => {
      const nowMs = server.wallMs();
      const [ahead, limit] = params as [number, number];
      const due = db.schedule
        .rows()
        .filter(({ nextDueMs }) => nextDueMs !== null && nextDueMs <= nowMs + ahead * 1_000);
      const soonest = due.toSorted((a, b) => (a.nextDueMs ?? 0) - (b.nextDueMs ?? 0)).slice(0, limit);
      return answer(soonest.map((row) => ({ now: at(nowMs), ...shown(row) })));
    },
  },
  {
    name: 'advanceSchedules',
    says: ['update carillon.schedule s set next_due_at = a.due_to'],
    texts: ['atofmf', 'q3nyqm'],
    run: advanceSchedules,
  },
  {
    name: 'insertFires',
    says: ['insert into carillon.fire', 'on conflict (schedule_id, due_at) do nothing'],
    texts: ['9q31k3'],
    run: insertFires,
  },
  {
    name: 'insertPlannedRuns',
    says: ['insert into carillon.run (id, tenant_id, slot, job_type, schedule_id, due_at'],
    texts: ['1vn9gnx'],
    run: insertPlannedRuns,
  },
  {
    name: 'lockSchedule',
    says: ['from "carillon"."schedule" where "tenant_id" = $1 and "name" = $2 for update'],
    texts: ['mdw8s9', '1eiui8d'],
    run: ({ db, tx, params }) => {
      const [tenantId, name] = params as [string, string];
      const found = db.schedule.rows().find((row) => row.tenantId === tenantId && row.name === name);
      if (found === undefined) return answer();
      if (!db.schedule.lock(found.id, tx, 'write')) return BLOCKED;
      const row = db.schedule.get(found.id, tx);
      return row === null ? answer() : answer([shown(row)]);
    },
  },
  {
    name: 'updateSchedule',
    says: ['update "carillon"."schedule" set "job_type" = $1'],
    texts: ['1fzpv4a', 'rvcb52'],
    run: updateSchedule,
  },
  {
    name: 'lockSlotOwner',
    says: ['select "owner" from "carillon"."slot_owner" where "slot" = $1 for share'],
    texts: ['35xzd3'],
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
    texts: ['rvov17'],
    run: ({ db, params }) => answer([{ owner: db.slot.get(params[0] as number)?.owner ?? null }]),
  },
  {
    name: 'revokePlanned',
    says: ['with revoked as ( delete from carillon.run r'],
    texts: ['1v8y2zp'],
    run: revokePlanned,
  },
];

function shown({ nextDueMs, spec, ...row }: ScheduleRow): object {
  const nextDueAt = nextDueMs === null ? null : at(nextDueMs);
  return { ...row, spec: JSON.parse(spec) as object, nextDueAt, createdAt: at(0), updatedAt: at(0) };
}

function advanceSchedules({ db, tx, params, broken }: Scene): ReturnType<Meaning['run']> {
  const blind = broken.has('planning without fence, compare-and-set and unique ledger');
  const advances = zipped(...params) as [string, Date, Date | null, number][];
  const fits = ([id, from, , revision]: (typeof advances)[number]): boolean => {
    const row = db.schedule.get(id, tx);
    return row !== null && (blind || (row.nextDueMs === msOf(from) && row.revision === revision));
  };
  if (
    !db.schedule.lockAll(
      advances.filter(fits).map(([id]) => id),
      tx,
    )
  )
    return BLOCKED;
  const won = advances.filter(fits);
  for (const [id, , to] of won) {
    const row = db.schedule.get(id, tx);
    if (row === null) continue;
    db.schedule.write(id, tx, { ...row, nextDueMs: to === null ? null : msOf(to) });
  }
  return answer(
    won.map(([id]) => ({ id })),
    'UPDATE',
  );
}

function insertFires({ db, tx, params, broken }: Scene): ReturnType<Meaning['run']> {
  const columns = params.filter((param) => Array.isArray(param));
  const fires = (zipped(...columns) as [string, Date, string, string, string | null, string | null][]).map(
    ([schedule, dueAt, , outcome, , run]) => ({ schedule, dueMs: msOf(dueAt), outcome, run }),
  );
  const anew = broken.has('planning without fence, compare-and-set and unique ledger');
  const isNew = ({ schedule, dueMs }: (typeof fires)[number]): boolean =>
    anew || db.fire.get(fireKey(schedule, dueMs), tx) === null;
  // A row that another transaction is just inserting must be waited for, before it is known whose it is.
  if (
    !db.fire.lockAll(
      fires.filter(isNew).map(({ schedule, dueMs }) => fireKey(schedule, dueMs)),
      tx,
    )
  )
    return BLOCKED;
  const fresh = fires.filter(isNew);
  for (const { schedule, dueMs, run } of fresh) tx.acts.push({ kind: 'plan', schedule, dueMs, run });
  for (const fire of fresh) db.fire.write(fireKey(fire.schedule, fire.dueMs), tx, fire);
  return answer(
    fresh.map(({ run }) => ({ runId: run })),
    'INSERT',
  );
}

function insertPlannedRuns({ db, tx, params }: Scene): ReturnType<Meaning['run']> {
  const runs = zipped(...params) as [string, string, number, string, string, Date, string][];
  for (const [id, tenantId, slot, jobType, schedule, dueAt, payload] of runs) {
    db.run.lock(id, tx, 'write');
    db.run.write(id, tx, {
      ...NOT_TRIED,
      id,
      tenantId,
      slot,
      jobType,
      queue: 'default',
      concurrencyKey: null,
      schedule,
      priority: 0,
      payload: JSON.parse(payload) as unknown,
      dueMs: msOf(dueAt),
      runAtMs: msOf(dueAt),
      deadlineMs: null,
    });
  }
  return changed(runs.length, 'INSERT');
}

function updateSchedule({ db, tx, params }: Scene): ReturnType<Meaning['run']> {
  const [, , , state, nextDueAt, id] = params as [
    string,
    string,
    string,
    ScheduleRow['state'],
    Date | null,
    string,
  ];
  if (!db.schedule.lock(id, tx, 'write')) return BLOCKED;
  const row = db.schedule.get(id, tx);
  if (row === null) return answer();
  const next = {
    ...row,
    state,
    nextDueMs: nextDueAt === null ? null : msOf(nextDueAt),
    revision: row.revision + 1,
  };
  db.schedule.write(id, tx, next);
  return answer([shown(next)], 'UPDATE');
}

function revokePlanned({ db, tx, params, broken }: Scene): ReturnType<Meaning['run']> {
  const schedule = params[0] as string;
  const claims = broken.has('claimed runs are taken back, too') ? [] : db.claim.rows();
  const claimed = new Set(claims.flatMap(({ runs }) => runs));
  const open = db.run.rows().filter((run) => {
    const fire =
      run.schedule === schedule && run.dueMs !== null ? db.fire.get(fireKey(schedule, run.dueMs)) : null;
    return fire?.outcome === 'planned' && !claimed.has(run.id);
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
