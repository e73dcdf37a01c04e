// How much processor time have processes used? /proc tells it on Linux, in hundredths of a second; elsewhere it is not
// known.
import { readdirSync, readFileSync } from 'node:fs';

const MS_PER_TICK = 10;

export interface ProcessStat {
  readonly pid: number;
  readonly name: string;
  readonly parent: number;
  readonly ownMs: number;
  readonly endedChildrenMs: number;
}

/** One line of /proc/PID/stat. The name is in parentheses and may hold any character. */
export function parseStat(text: string): ProcessStat | null {
  const [, pid, name, rest] = /^(\d+) \((.*)\) (.*)$/s.exec(text.trim()) ?? [];
  if (pid === undefined || name === undefined || rest === undefined) return null;
  const fields = rest.split(' ');
  const field = (number: number): number => Number(fields[number - 3]); // counted as proc(5) does
  return {
    pid: Number(pid),
    name,
    parent: field(4),
    ownMs: (field(14) + field(15)) * MS_PER_TICK,
    endedChildrenMs: (field(16) + field(17)) * MS_PER_TICK,
  };
}

export function statOf(pid: number): ProcessStat | null {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return null; // it has ended, or this is no Linux
  }
}

/** Of all processors together, used by any process; NaN where unknown. */
export function timeOfMachine(): number {
  try {
    return parseBusy(readFileSync('/proc/stat', 'latin1'));
  } catch {
    return Number.NaN;
  }
}

/** Of /proc/stat: user, nice and system time, and that of interrupts, without guests, who are in user. */
export function parseBusy(text: string): number {
  const [, user, nice, system, , , irq, softirq] = text.split('\n', 1)[0]?.split(/\s+/).map(Number) ?? [];
  return (
    [user, nice, system, irq, softirq].reduce<number>((sum, ticks) => sum + (ticks ?? Number.NaN), 0) *
    MS_PER_TICK
  );
}

/** Of these processes. */
export function timeOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (statOf(pid)?.ownMs ?? 0), 0);
}

/** Of a process and its children, those that have ended included. */
export function timeOfFamily(pid: number): number {
  const stats = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => statOf(Number(name)));
  const children = stats.filter((stat) => stat?.parent === pid);
  const ended = statOf(pid)?.endedChildrenMs ?? 0;
  return timeOf([pid]) + ended + children.reduce((sum, stat) => sum + (stat?.ownMs ?? 0), 0);
}

/** The memory that a process holds now, and the most that it ever held. */
export function memoryOf(pid: number): { nowMb: number; peakMb: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'latin1');
  const megabytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) / 1024;
  return { nowMb: megabytes('VmRSS'), peakMb: megabytes('VmHWM') };
}
