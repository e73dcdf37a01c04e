// What does a server say about itself in its data directory? PostgreSQL keeps postmaster.pid there while
// it runs: line 1 is its process id, line 8 its state. A crash leaves the file behind, and the id may by
// then belong to any other process, so who that process is gets read from its command line.
import { execFile } from 'node:child_process';
import { readFile, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

interface PostmasterFile {
  readonly pid: number;
  readonly isReady: boolean;
}

const PID_LINE = 0;
const STATE_LINE = 7;

export function postmasterPath(directory: string): string {
  return join(directory, 'postmaster.pid');
}

export async function readPostmasterFile(directory: string): Promise<PostmasterFile | undefined> {
  const text = await readFile(postmasterPath(directory), 'utf8').catch(() => '');
  const lines = text.split('\n').map((line) => line.trim());
  const pid = Number.parseInt(lines[PID_LINE] ?? '', 10);
  // PostgreSQL writes a negative id for its single-user mode.
  return pid > 0 ? { pid, isReady: lines[STATE_LINE] === 'ready' } : undefined;
}

/**
 * Who holds a process id: the `server` of this directory, a `stranger` (a zombie too), `nobody`, or
 * `unclear` when it is a PostgreSQL whose command line does not show its directory.
 */
type Holder = 'server' | 'stranger' | 'nobody' | 'unclear';

export async function holderOf(pid: number, directory: string): Promise<Holder> {
  const args = await (process.platform === 'linux' ? argumentsFromProc(pid) : argumentsFromPs(pid));
  if (args === undefined) return 'nobody';
  const [program = '', ...rest] = args;
  // A server's own children are titled "postgres: checkpointer" and so on, which is no match.
  if (basename(program) !== 'postgres') return 'stranger';
  const given = rest[rest.indexOf('-D') + 1];
  if (!rest.includes('-D') || given === undefined) return 'unclear';
  const real = (path: string): Promise<string> => realpath(path).catch(() => path);
  return (await real(given)) === (await real(directory)) ? 'server' : 'stranger';
}

async function argumentsFromProc(pid: number): Promise<string[] | undefined> {
  // Readable by all, unlike /proc/PID/cwd, which root in a container may not read of another user's process.
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined);
  return text?.split('\0').slice(0, -1);
}

async function argumentsFromPs(pid: number): Promise<string[] | undefined> {
  const found = await promisify(execFile)('/bin/ps', ['-ww', '-o', 'args=', '-p', String(pid)]).catch(
    () => undefined,
  );
  // ps joins the arguments with blanks; ours come as `postgres -D DIRECTORY -c …`.
  const match = /^(\S+)(?: (-D) (.*?))?(?: -c .*)?$/.exec(found?.stdout.trim() ?? '');
  return match?.slice(1).filter((part) => part !== undefined);
}
