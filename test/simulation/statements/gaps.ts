// What do statements about gaps mean, the due times that were left behind and are decided later? No tenant of the model is
// ever suspended, so what falls into a suspension is asked for and never there.
import { fireKey } from '../model-database.js';
import { answer, BLOCKED, changed, listed, zipped, type Meaning, type Scene } from './meaning.js';

export const GAP_STATEMENTS: readonly Meaning[] = [
  {
    name: 'leaveGaps',
    says: ['insert into carillon.schedule_gap', 'from unnest('],
    run: leaveGaps,
  },
  {
    name: 'findGaps',
    says: ['from carillon.schedule_gap g where id <> all', 'former.id < g.id'],
    run: ({ db, params }) => {
      const [except, , limit] = params as [string, string, number];
      const open = db.gap.rows().filter(({ id }) => !listed(except).includes(id));
      type Gap = (typeof open)[number];
      const isFormer = (former: Gap, gap: Gap): boolean =>
        former.schedule === gap.schedule &&
        Number(former.id) < Number(gap.id) &&
        former.fromMs < gap.toMs &&
        former.toMs > gap.fromMs;
      const found = open
        .filter((gap) => !open.some((former) => isFormer(former, gap)))
        .toSorted((a, b) => a.fromMs - b.fromMs || Number(a.id) - Number(b.id));
      return answer(
        found.slice(0, limit).map((gap) => ({
          ...gap,
          scheduleId: gap.schedule,
          tenantId: db.schedule.rows()[0]?.tenantId ?? '',
          spec: JSON.parse(gap.spec) as object,
          suspendedMs: null,
          resumedMs: null,
        })),
      );
    },
  },
  {
    name: 'writeGaps',
    says: ['update carillon.schedule_gap g set from_at = a.rest_from', 'insert into carillon.fire'],
    run: writeGaps,
  },
  {
    name: 'readFailures',
    says: ['from carillon.schedule_failure order by id'],
    // No schedule of the model pauses by itself.
    run: () => answer(),
  },
  {
    name: 'readNotes',
    says: ['row_number() over (partition by tenant_id order by id) as place from carillon.due_note'],
    // No due time of the model follows from runs.
    run: () => answer(),
  },
  {
    name: 'findQuiet',
    says: ['from carillon.schedule_following c join carillon.schedule s'],
    run: () => answer(),
  },
  {
    name: 'countFollowers',
    says: ['from "carillon"."schedule_following" where "tenant_id" = $1 and "followed_id" = $2'],
    run: () => answer([{ count: 0 }]),
  },
  {
    name: 'lookForNotes',
    says: ['select exists (select from carillon.schedule_following) as "isAny"'],
    // So that the other questions are asked, too.
    run: () => answer([{ isAny: true, isNoted: true, isSoon: false }]),
  },
  {
    name: 'readChanges',
    says: ['from "carillon"."calendar_change" group by "calendar_id"'],
    // No schedule of the model names a calendar.
    run: () => answer(),
  },
  {
    name: 'listSuspendedTenants',
    says: ["from carillon.tenant where state = 'suspended' order by id"],
    run: () => answer(),
  },
];

function leaveGaps({ db, tx, params, broken }: Scene): ReturnType<Meaning['run']> {
  const columns = (params as string[]).slice(0, 5).map(listed);
  const asked = zipped(...columns) as [string, string, string, string, string][];
  const reasons = new Map(asked.map(([id], index) => [id, (params[5] as string[])[index] ?? '']));
  const fits = ([id, from, , revision]: (typeof asked)[number]): boolean => {
    const row = db.schedule.get(id, tx);
    return row?.nextDueMs === Date.parse(from) && row.revision === Number(revision);
  };
  const wanted = asked.filter(fits);
  if (
    !db.schedule.lockAll(
      wanted.map(([id]) => id),
      tx,
    )
  )
    return BLOCKED;
  if (broken.has('what is left behind is not noted')) return changed(0, 'INSERT');
  for (const [schedule, from, to, , asPlanned] of wanted) {
    const row = db.schedule.get(schedule, tx);
    if (row === null) continue;
    const id = String(db.next('gap'));
    db.gap.lock(id, tx, 'write');
    const { spec, state, pausedUntilMs } = row;
    const outcome = broken.has('what is left behind is coalesced against its policy')
      ? 'coalesced'
      : asPlanned;
    const span = { fromMs: Date.parse(from), toMs: Date.parse(to) };
    const gap = { ...span, outcome, reason: reasons.get(schedule) ?? '' };
    db.gap.write(id, tx, { id, schedule, spec, state, pausedUntilMs, ...gap });
  }
  return changed(wanted.length, 'INSERT');
}

function writeGaps({ db, tx, params }: Scene): ReturnType<Meaning['run']> {
  const [ids, froms, rests, , , , numbers, dues, outcomes] = (params as unknown[]).map((param) =>
    typeof param === 'string' ? listed(param) : [],
  );
  const reasons = params[9] as (string | null)[];
  const asked = zipped(ids, froms, rests) as [string, string, string][];
  const fits = ([id, from]: (typeof asked)[number]): boolean => {
    const row = db.gap.get(id, tx);
    return row?.fromMs === Date.parse(from);
  };
  const wanted = asked.filter(fits).map(([id]) => id);
  if (!db.gap.lockAll(wanted, tx)) return BLOCKED;
  const shortened = new Map(asked.filter(fits).map(([id, , rest]) => [id, rest]));
  const fires = (zipped(numbers, dues, outcomes) as [string, string, string][]).flatMap(
    ([number, due, outcome], index) => {
      const id = ids?.[Number(number) - 1] ?? '';
      const schedule = db.gap.get(id, tx)?.schedule;
      return schedule === undefined || !shortened.has(id)
        ? []
        : [{ schedule, dueMs: Date.parse(due), outcome, reason: reasons[index] ?? null, run: null }];
    },
  );
  const isNew = ({ schedule, dueMs }: (typeof fires)[number]): boolean =>
    db.fire.get(fireKey(schedule, dueMs), tx) === null;
  const decided = fires.filter(isNew);
  if (
    !db.fire.lockAll(
      decided.map(({ schedule, dueMs }) => fireKey(schedule, dueMs)),
      tx,
    )
  )
    return BLOCKED;
  for (const [id, rest] of shortened) {
    const row = db.gap.get(id, tx);
    if (row !== null) db.gap.write(id, tx, rest === 'NULL' ? null : { ...row, fromMs: Date.parse(rest) });
  }
  for (const fire of decided) {
    tx.acts.push({ kind: 'plan', schedule: fire.schedule, dueMs: fire.dueMs, run: null });
    db.fire.write(fireKey(fire.schedule, fire.dueMs), tx, fire);
  }
  return changed(decided.length, 'INSERT');
}
