// What the specs of the rules tell: a small account in which all is well, and what each of them changes in it.
import type { FaultRecord } from '../faults.js';
import { AT_ONCE } from '../faults.js';
import type { LockLine, TakenLock } from './lock-log.js';
import type { HoldNote, LockWrite, WaitNote } from './lock-notes.js';

type Taken = Partial<TakenLock> & Pick<TakenLock, 'token'>;

/** Asked for just before, and sure until then. */
export function acquisition(
  id: string,
  { fromMs, toMs, ...taken }: Taken & { fromMs: number; toMs: number },
): LockLine[] {
  const lock: TakenLock = { lock: 'one', mode: 'exclusive', permits: 1, ...taken };
  return [
    { kind: 'asked', atMs: fromMs - 1, id, user: id, locks: [lock.lock] },
    { kind: 'acquired', atMs: fromMs, id, isSure: true, taken: [lock] },
    { kind: 'sure', atMs: toMs, ids: [id] },
    { kind: 'releases', atMs: toMs + 1, id },
  ];
}

let seq = 0;

/** As acquired, unless said otherwise. */
export function holdNote(note: Partial<HoldNote> & Pick<HoldNote, 'token' | 'holder' | 'atMs'>): HoldNote {
  seq += 1;
  return {
    seq,
    op: 'insert',
    lock: 'one',
    mode: 'exclusive',
    permits: 1,
    xid: String(seq),
    expiresAtMs: note.atMs + 3_000,
    ...note,
  };
}

/** As it gets in line, unless said otherwise. */
export function waitNote(note: Partial<WaitNote> & Pick<WaitNote, 'ticket' | 'holder' | 'atMs'>): WaitNote {
  seq += 1;
  return {
    seq,
    op: 'insert',
    lock: 'one',
    mode: 'exclusive',
    permits: 1,
    xid: String(seq),
    replica: 1,
    untilMs: note.atMs + 10_000,
    ...note,
  };
}

export function lockWrite(
  write: Partial<LockWrite> & Pick<LockWrite, 'token' | 'xid' | 'snapshot'>,
): LockWrite {
  return { lock: 'one', holder: `holder of ${write.token}`, ...write };
}

export function faultAt(startedAtMs: number, healedAtMs: number): FaultRecord {
  const strike = (): never => {
    throw new Error('expected no strike of a sample, got one');
  };
  return {
    kind: { name: 'sample', death: 'never', from: 'strike', limits: AT_ONCE, strike },
    struck: [],
    startedAtMs,
    healedAtMs,
    notes: [],
  };
}
