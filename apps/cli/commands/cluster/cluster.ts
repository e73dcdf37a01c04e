// The replicas of the cluster, and what has happened among them. Only an administrator's key sees them.
import { setTimeout as rest } from 'node:timers/promises';
import type { Command } from 'commander';
import { EXIT } from '../../exit-codes.js';
import { failureOf } from '../../output/problems.js';
import { fields } from '../../output/printer.js';
import { does, limited, pageSize, upTo, whole, type Kit, type Limit } from '../kit.js';
import type { Session } from '../session.js';
import { readReplicas } from './cluster-reading.js';

const REPLICAS = {
  ...fields('number', 'name', 'state'),
  leads: ({ leads }: { leads: boolean }) => (leads ? 'leader' : ''),
  ...fields('ownedSlots', 'beatAgeMs', 'version', 'url', 'startedAt', 'diedReason'),
};
const EVENTS = fields('seq', 'at', 'type', 'term', 'replicaName', 'data');
const WATCH_SECONDS = 2;
const CLEAR_SCREEN = '\u001b[H\u001b[2J';

export function addCluster(program: Command, kit: Kit): void {
  const cluster = program
    .command('cluster')
    // `cluster events --all` is refused, and not taken for an option of `cluster`.
    .enablePositionalOptions()
    .description('The replicas: those that live, and with --all the last ones that ended')
    .option('--all', 'also replicas that have ended')
    .option('--watch [seconds]', 'again every so many seconds (2), until Ctrl-C', whole(1, 3_600));
  does<{ all?: boolean; watch?: true | number }>(kit, cluster, async (session, { all, watch }) => {
    if (watch === undefined) return show(session, { all });
    const pauseMs = (watch === true ? WATCH_SECONDS : watch) * 1_000;
    while (!session.signal.aborted) {
      if (session.world.out.isTerminal) session.out.text(CLEAR_SCREEN);
      await show(session, { all }).catch((error: unknown) => goOn(session, error));
      await rest(pauseMs, undefined, { signal: session.signal });
    }
    return undefined;
  });
  const events = limited(cluster.command('events'), 50).description(
    'What has happened to the cluster, the newest first: elections, deaths, joins',
  );
  does<Limit>(kit, events, async (session, limit) => {
    const rows = session.api.list('/cluster/events', { pageSize: pageSize(limit) });
    await session.out.rows(upTo(session, limit, rows), EVENTS);
  });
}

/** A replica that is gone is what a watch is for. */
function goOn(session: Session, error: unknown): void {
  const { text, exitCode } = failureOf(error);
  if (session.signal.aborted || exitCode !== EXIT.unreachable) throw error;
  session.note(`carillon: ${text}`);
}

async function show(
  { api, out }: Session,
  { all = false }: { all?: boolean | undefined },
): Promise<undefined> {
  const replicas = await readReplicas(api);
  await out.rows(
    replicas.filter(({ endedAt }) => all || endedAt === null),
    REPLICAS,
  );
}
