// Which day partitions should exist, and which may go? Days are UTC. A few are made ahead, so that nothing has to
// happen at midnight. Days that lie wholly before the retention are dropped, which costs the same for ten rows and ten
// million.

export interface PartitionDay {
  /** `2026-11-21` */
  day: string;
  from: Date;
  to: Date;
}

const DAY_MS = 86_400_000;
const AHEAD_DAYS = 7;

export interface PartitionPlan {
  create: PartitionDay[];
  /** Days, as in the names of the partitions that exist. */
  drop: string[];
  /** Rows before this are past their retention. */
  keepFrom: Date;
}

export function planPartitions({
  existing,
  now,
  retentionDays,
}: {
  existing: readonly string[];
  now: Date;
  retentionDays: number;
}): PartitionPlan {
  const today = Math.floor(now.getTime() / DAY_MS) * DAY_MS;
  const keepFrom = new Date(today - retentionDays * DAY_MS);
  const wanted = Array.from({ length: AHEAD_DAYS + 1 }, (_, ahead) => dayAt(today + ahead * DAY_MS));
  const known = new Set(existing);
  return {
    create: wanted.filter(({ day }) => !known.has(day)),
    drop: existing.filter((day) => day < dayAt(keepFrom.getTime()).day),
    keepFrom,
  };
}

function dayAt(startMs: number): PartitionDay {
  const from = new Date(startMs);
  return { day: from.toISOString().slice(0, 10), from, to: new Date(startMs + DAY_MS) };
}
