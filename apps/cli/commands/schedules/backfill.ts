// Makes runs for due times that have passed without one. It may be many, so `--dry-run` counts them first; Ctrl-C ends
// the wait and not the backfill.
import type { Command } from 'commander';
import type { Session } from '../session.js';
import { does, instant, whole, type Kit } from '../kit.js';
import { readJson } from '../json-input.js';
import { untilOperationEnds } from '../waiting.js';

interface Span {
  readonly from: string;
  readonly to: string;
  readonly maxUnfinished?: number;
  readonly payload?: string;
  readonly dryRun?: boolean;
  readonly wait: boolean;
}

export function addBackfill(schedules: Command, kit: Kit): void {
  const backfill = schedules
    .command('backfill')
    .description('Make runs for due times that have passed without one, and wait until they are made')
    .argument('<name>', 'of the schedule')
    .requiredOption('--from <instant>', 'the first due time, inclusive', instant)
    .requiredOption('--to <instant>', 'the end, exclusive, and not after now', instant)
    .option('--max-unfinished <n>', 'so many of its runs at a time', whole(1, 1_000))
    .option('-p, --payload <json>', "JSON, @FILE, or - for stdin; the schedule's by default")
    .option('--dry-run', 'only count')
    .option('--no-wait', 'end once it has begun');
  does<Span>(kit, backfill, async (session, options, [name = '']) => made(session, name, options));
}

async function made(session: Session, name: string, { payload, dryRun, wait, ...span }: Span) {
  const tenant = await session.tenant();
  const { schedules } = tenant.client;
  const given = payload === undefined ? {} : { payload: await readJson(session.world, '--payload', payload) };
  const options = { ...span, ...given, signal: session.signal };
  if (dryRun === true) return session.out.record(await schedules.backfill(name, { ...options, dryRun }));
  const started = await schedules.backfill(name, options);
  if (!wait) return session.out.record(started);
  return untilOperationEnds(session, tenant, started.id);
}
