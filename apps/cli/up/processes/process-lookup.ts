// Is a process whose id was once recorded still that process? Ids are reused, in a container within seconds, so a
// living id alone proves nothing; the command line decides.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** Whether the process lives, zombies left out, and its command line contains `part`. */
export async function isRunning(pid: number, part: string): Promise<boolean> {
  if (pid === process.pid) return false; // our own id, recorded before our start, was another process's
  const line = await (process.platform === 'linux' ? lineFromProc(pid) : lineFromPs(pid));
  return line?.includes(part) ?? false;
}

async function lineFromProc(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined);
  return text?.replaceAll('\0', ' ');
}

async function lineFromPs(pid: number): Promise<string | undefined> {
  const found = await promisify(execFile)('/bin/ps', ['-ww', '-o', 'args=', '-p', String(pid)]).catch(
    () => undefined,
  );
  return found?.stdout;
}
