// Judges the database and the addresses of a cluster by what doctor.ts has read. It is pure, so that each line has a
// test. A problem breaks a promise or the start of a replica; a warning is worth knowing.
import type { HorizonHolder } from '#cluster/horizon/decisions/horizon-watch.js';
import type { ServerReport } from '#database/sessions/server-report.repository.js';

export interface Seen {
  server: ServerReport;
  /** Why the control session could not be opened, or null. */
  unfit: string | null;
  pending: readonly string[];
  holders: readonly HorizonHolder[];
  /** This process's clock less the server's. */
  clockOffMs: number;
  /** The error of that, since a question and its answer take time. */
  clockErrorMs: number;
  warnAfterMs: number;
  perReplica: number;
  replicas: number;
  /** The setting with which others can call this replica, or null. */
  advice: string | null;
}

export interface Finding {
  level: 'ok' | 'warning' | 'problem';
  text: string;
}

const VERSION_MIN = 15;
const CLOCK_OFF_MS_MAX = 1_000;
const VERSION_UNIT = 10_000;

export function findingsOf(seen: Seen): Finding[] {
  return [
    version(seen.server),
    seen.unfit === null ? ok('the control session is direct and on a primary') : problem(seen.unfit),
    migrations(seen.pending),
    connections(seen),
    ...endings(seen.server),
    ...settings(seen.server.settings),
    clock(seen),
    ...horizon(seen),
    seen.advice === null ? ok('endpoints get an address that can be called') : warning(seen.advice),
  ];
}

function version({ version: name, versionNumber }: ServerReport): Finding {
  const isSupported = versionNumber >= VERSION_MIN * VERSION_UNIT;
  const text = `PostgreSQL ${name}`;
  return isSupported ? ok(text) : problem(`expected PostgreSQL ${VERSION_MIN} or newer, got ${name}`);
}

function migrations(pending: readonly string[]): Finding {
  if (pending.length === 0) return ok('all migrations are applied');
  return warning(`migrations that the next start of a replica applies:  ${pending.join(', ')}`);
}

function connections({ server, perReplica, replicas }: Seen): Finding {
  const left = server.maxConnections - server.reservedConnections - server.usedConnections;
  // Connections that living replicas have not opened yet are theirs all the same.
  const unopened = Math.max(0, replicas * perReplica - server.ourConnections);
  const free = left - unopened;
  if (free < 0) return problem(`${-free} connections too few for the living replicas`);
  if (free < perReplica)
    return warning(`${free} connections are left, and one more replica may need ${perReplica}`);
  return ok(`${free} connections are left, enough for ${Math.floor(free / perReplica)} more replicas`);
}

function endings({ unendableSessions: count }: ServerReport): Finding[] {
  if (count === 0) return [];
  const remedy = 'grant pg_signal_backend to the role of the replicas';
  return [
    warning(
      `${count} sessions of replicas may not be ended by this login, so a frozen replica is replaced later: ${remedy}`,
    ),
  ];
}

function settings(given: Readonly<Record<string, string>>): Finding[] {
  const wrong: [string, Finding][] = [
    ['fsync', problem('fsync is off: a crash of the server may lose everything')],
    ['full_page_writes', warning('full_page_writes is off: a crash of the machine may corrupt pages')],
    [
      'synchronous_commit',
      problem('synchronous_commit is off: a crash of the server loses the last acknowledged writes'),
    ],
    ['autovacuum', problem('autovacuum is off: the hot tables only grow, and claims become slow')],
    ['track_counts', problem('track_counts is off, so autovacuum does nothing')],
  ];
  const found = wrong.filter(([name]) => given[name] === 'off').map(([, finding]) => finding);
  return found.length > 0 ? found : [ok('fsync, synchronous_commit and autovacuum are on')];
}

function clock({ clockOffMs: offMs, clockErrorMs: errorMs }: Seen): Finding {
  const side = offMs < 0 ? 'behind' : 'ahead of';
  const text = `this machine's clock is ${Math.round(Math.abs(offMs))} ms ${side} the server's, give or take ${Math.ceil(errorMs)} ms`;
  return Math.abs(offMs) - errorMs > CLOCK_OFF_MS_MAX
    ? warning(`${text}; only the times in logs depend on it`)
    : ok(text);
}

function horizon({ holders, server, warnAfterMs }: Seen): Finding[] {
  const blind = server.seesOthers
    ? []
    : [warning('sessions of other users cannot be seen: grant pg_read_all_stats to this user')];
  // A slot's age cannot be read, so every slot is shown.
  const old = holders.filter(({ ageMs }) => ageMs === null || ageMs >= warnAfterMs);
  if (old.length === 0) return [...blind, ok('no session holds an old snapshot')];
  return [...blind, ...old.map((holder) => warning(describeHolder(holder)))];
}

function describeHolder({
  kind,
  pid,
  application,
  user,
  state,
  name,
  queryStartedAt,
  ageMs,
}: HorizonHolder): string {
  const forSo = ageMs === null ? '' : ` for ${Math.round(ageMs / 1_000)} s`;
  if (kind === 'slot')
    return `replication slot ${name} (${state}) keeps dead rows; drop it if its standby is gone`;
  if (kind === 'prepared') return `prepared transaction ${name} of ${user} keeps dead rows${forSo}`;
  const since = queryStartedAt === null ? '' : `, last statement at ${queryStartedAt.toISOString()}`;
  return `pid ${pid} (${application ?? 'unnamed'}, user ${user}, ${state}${since}) keeps dead rows${forSo}`;
}

function ok(text: string): Finding {
  return { level: 'ok', text };
}

function warning(text: string): Finding {
  return { level: 'warning', text };
}

function problem(text: string): Finding {
  return { level: 'problem', text };
}
