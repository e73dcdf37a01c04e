// Which holders of old snapshots are worth a warning? One that has held a snapshot for longer than the limit; each is
// named once, and once more when it is gone. A replication slot has no readable beginning, so its age counts from when
// it was first seen at the same transaction.

export interface HorizonHolder {
  kind: 'session' | 'prepared' | 'slot';
  /** The oldest transaction that it may still read. */
  xmin: string;
  pid: number | null;
  application: string | null;
  user: string | null;
  state: string | null;
  /** The name of a prepared transaction or a slot. */
  name: string | null;
  queryStartedAt: Date | null;
  /** The age of its transaction; null where the server does not say. */
  ageMs: number | null;
}

export interface HorizonMemory {
  readonly seenSinceMs: ReadonlyMap<string, number>;
  readonly told: ReadonlyMap<string, HorizonHolder>;
}

export const NOTHING_HELD: HorizonMemory = { seenSinceMs: new Map(), told: new Map() };

export interface HorizonVerdict {
  memory: HorizonMemory;
  /** The holders to warn of, with their age filled in. */
  held: (HorizonHolder & { ageMs: number })[];
  /** Holders that were warned of before and are gone. */
  released: HorizonHolder[];
}

export function judgeHorizon({
  memory,
  holders,
  nowMs,
  warnAfterMs,
}: {
  memory: HorizonMemory;
  holders: readonly HorizonHolder[];
  nowMs: number;
  warnAfterMs: number;
}): HorizonVerdict {
  const seenSinceMs = new Map<string, number>();
  const told = new Map<string, HorizonHolder>();
  const held: HorizonVerdict['held'] = [];
  for (const holder of holders) {
    const key = keyOf(holder);
    const sinceMs = memory.seenSinceMs.get(key) ?? nowMs;
    seenSinceMs.set(key, sinceMs);
    const ageMs = holder.ageMs ?? nowMs - sinceMs;
    const known = memory.told.get(key);
    if (known !== undefined) told.set(key, known);
    else if (ageMs >= warnAfterMs) {
      told.set(key, holder);
      held.push({ ...holder, ageMs });
    }
  }
  const released = [...memory.told].filter(([key]) => !seenSinceMs.has(key)).map(([, holder]) => holder);
  return { memory: { seenSinceMs, told }, held, released };
}

/** A session that begins a new transaction is a new holder, even if it has the same pid. */
function keyOf({ kind, pid, name, xmin }: HorizonHolder): string {
  return `${kind}/${kind === 'session' ? pid : name}/${xmin}`;
}
