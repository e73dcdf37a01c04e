// Is anything of the stopped servers still there? Counted when the last server of the process has stopped,
// against what was there before the first began: while another one lives, the owner of a socket is unknown.
import { runStatement } from './admin-statement.js';
import { asAdministrator } from './rows.js';
import { until } from './until.js';

const WATCHED = ['TCPServerWrap', 'TCPSocketWrap', 'Timeout'];
const VANISH_MS = 60_000;

let running = 0;
let before: ReadonlyMap<string, number> = new Map();

/** To be called before anything of the server exists. */
export function noteStart(): void {
  if (running === 0) before = openHandles();
  running += 1;
}

/** A server that could not start is as good as stopped. */
export function noteFailure(): void {
  running -= 1;
}

/** Rejects if sockets or timers of any server are left over, or sessions in the database, when one is named. */
export async function untilNothingIsLeft({ sessionsIn }: { sessionsIn: string | null }): Promise<void> {
  running -= 1;
  const look = async (): Promise<string[]> => [
    ...(running > 0 ? [] : newHandles()),
    ...(sessionsIn === null ? [] : await openSessions(sessionsIn)),
  ];
  let left: string[] = [];
  const nothingIs = async (): Promise<boolean> => (left = await look()).length === 0;
  // A closed socket and an ended session take a moment to vanish, each on its own side.
  await until('nothing is left over', nothingIs, VANISH_MS).catch((error: unknown) => {
    throw new Error(`expected nothing to be left over from stopped servers, got ${left.join(', ')}`, {
      cause: error,
    });
  });
}

function newHandles(): string[] {
  const now = openHandles();
  return WATCHED.filter((kind) => (now.get(kind) ?? 0) > (before.get(kind) ?? 0));
}

/** What keeps the process alive, by kind. Timers that are unref'd, as vitest's own are, don't count. */
function openHandles(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

async function openSessions(databaseUrl: string): Promise<string[]> {
  const rows = await runStatement<{ name: string }>(
    asAdministrator(databaseUrl),
    `select application_name || ': ' || left(query, 60) as name
       from pg_stat_activity
      where datname = current_database() and application_name like 'carillon%'`,
  );
  return rows.map(({ name }) => `session ${name}`);
}
