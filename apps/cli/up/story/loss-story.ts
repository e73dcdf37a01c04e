// Reports the loss of a replica as the API of the others shows it, with the time since the loss: the new leader, the
// new owners of its slots, the replicas that serve the tenants, and a few seconds later whether the ledger lacks a
// due time. Only now is the cluster read often; otherwise once a second.
import { setTimeout as rest } from 'node:timers/promises';
import type { Api } from '../cluster/api.js';
import * as shapes from '../cluster/api.shapes.js';
import { isLiving, type ClusterView, type ClusterWatch } from '../cluster/cluster-watch.js';
import { DEMO_TENANTS, PROVEN } from './demo.js';
import type { FinishedRuns, Start } from './finished-runs.js';
import { isDecided, proofLine, proofOf, windowAround } from './ledger-proof.js';
import { clockTime, duration, list } from '../terminal/phrases.js';
import { RESTART_MS, type Loss } from '../processes/replica-set.js';
import type { Screen } from '../terminal/screen.js';

export interface StoryParts {
  readonly api: Api;
  readonly watch: ClusterWatch;
  /** Null without the demo. */
  readonly runs: FinishedRuns | null;
  readonly screen: Screen;
  readonly signal: AbortSignal;
}

const LOOK_MS = 25;
/** After this, with a frozen database for example, the story is given up, and a line says so. */
const TAKEOVER_MAX_MS = 15_000;
const SERVED_MAX_MS = 12_000;
const PROOF_MARGIN_MS = 5_000;
const PROOF_MAX_MS = 20_000;

/** Resolves when the story has ended. */
export async function tellLoss(parts: StoryParts, loss: Loss, before: ClusterView): Promise<void> {
  const number = parts.watch.noteLoss(loss);
  const led = before.leader !== null && before.leader.number === number;
  tell(
    parts,
    loss.at,
    `${parts.screen.paint('bold', loss.name)}${led ? ` (leader of term ${before.term})` : ''} ${fate(loss)}`,
  );
  if (number === undefined) return; // it had not joined, so the cluster does not miss it
  await Promise.all([
    tellTakeover(parts, loss, { number, before, led }),
    ...(parts.runs === null ? [] : [tellTenants(parts, parts.runs, loss, number), tellProof(parts, loss)]),
  ]);
}

function fate({ name, how, wasKilled, pid }: Loss): string {
  const again = `it starts again in ${duration(RESTART_MS)}`;
  if (wasKilled) return `is killed: ${how} to process ${pid}; ${again}`;
  if (how.startsWith('SIG')) return `was killed from outside: ${how} to process ${pid}; ${again}`;
  return `ended by itself (${how}, process ${pid}; see logs/${name}.log); ${again}`;
}

async function tellTakeover(
  parts: StoryParts,
  loss: Loss,
  { number, before, led }: { number: number; before: ClusterView; led: boolean },
): Promise<void> {
  const { watch } = parts;
  if (led) {
    const isLed = await look(parts, TAKEOVER_MAX_MS, async () => {
      const { leader, term } = await watch.look();
      return leader !== null && term > before.term;
    });
    const { leader, term } = watch.view;
    if (isLed) tell(parts, new Date(), `${leader?.name} leads, term ${term}, after ${since(loss)}`);
    else return tell(parts, new Date(), `no replica leads after ${since(loss)}`);
  }
  const had = before.rows.find((row) => row.number === number)?.ownedSlots ?? 0;
  const isBuried = await look(parts, TAKEOVER_MAX_MS, async () => {
    const row = (await watch.look()).rows.find((candidate) => candidate.number === number);
    return row === undefined || (!isLiving(row) && row.ownedSlots === 0);
  });
  if (!isBuried) return tell(parts, new Date(), `${loss.name} is not declared dead after ${since(loss)}`);
  const slots = had === 0 ? 'it owned no slots' : `its ${had} slots went to ${gains(before, watch.view)}`;
  tell(parts, new Date(), `${loss.name} is declared dead; ${slots}, after ${since(loss)}`);
}

/** The replicas that have more slots than before, and how many more. */
function gains(before: ClusterView, after: ClusterView): string {
  const had = new Map(before.rows.map((row) => [row.number, row.ownedSlots]));
  const gained = after.rows.map((row) => ({
    name: row.name,
    more: row.ownedSlots - (had.get(row.number) ?? 0),
  }));
  const heirs = gained.filter(({ more }) => more > 0).map(({ name, more }) => `${name} (+${more})`);
  return heirs.length === 0 ? 'no replica' : list(heirs.toReversed());
}

async function tellTenants(parts: StoryParts, runs: FinishedRuns, loss: Loss, number: number): Promise<void> {
  const orphans = DEMO_TENANTS.filter((tenant) => runs.servedBy(tenant)?.replica === number);
  if (orphans.length === 0)
    return tell(parts, new Date(), `it served neither ${DEMO_TENANTS.join(' nor ')}: they are not affected`);
  await Promise.all(
    orphans.map(async (tenant) => {
      // A run may have begun on it before the loss was noticed here: only another replica's run counts.
      const isServed = await look(parts, SERVED_MAX_MS, async () => {
        await runs.look(performance.now());
        return runs.servedBy(tenant)?.replica !== number;
      });
      const heir = runs.servedBy(tenant);
      if (!isServed || heir === undefined)
        return tell(parts, new Date(), `${tenant} has had no run after ${since(loss)}`);
      tell(
        parts,
        new Date(),
        `${tenant} is served by ${parts.watch.nameOf(heir.replica)} now; ${startOf(heir, loss)}`,
      );
    }),
  );
}

function startOf({ startedAt, dueAt }: Start, loss: Loss): string {
  const afterLoss = `${duration(startedAt.getTime() - loss.at.getTime())} after the loss`;
  if (dueAt === null) return `its next run started ${afterLoss}`;
  return `its next run started ${duration(startedAt.getTime() - dueAt.getTime())} after it was due, ${afterLoss}`;
}

async function tellProof({ api, screen, signal }: StoryParts, loss: Loss): Promise<void> {
  const { tenant, schedule, everyMs } = PROVEN;
  const window = windowAround(loss.at, { everyMs, marginMs: PROOF_MARGIN_MS });
  const path = `tenants/${tenant}/schedules/${schedule}/fires?pageSize=200&from=${window.from.toISOString()}`;
  const read = async () => proofOf((await api.get(path, shapes.fires)).items, window);
  await rest(PROOF_MARGIN_MS, undefined, { signal });
  let proof = await read();
  await look({ signal }, PROOF_MAX_MS, async () => isDecided((proof = await read())));
  const mark = proof.missing.length === 0 ? screen.paint('green', 'ledger') : screen.paint('red', 'ledger');
  tell({ screen }, new Date(), `${mark} of ${tenant}/${schedule}: ${proofLine(proof)}`);
}

/**
 * Repeats `holds` until it is true; false when that takes too long. An error is retried: the replica that was asked
 * may be dying.
 */
async function look(
  { signal }: Pick<StoryParts, 'signal'>,
  limitMs: number,
  holds: () => Promise<boolean>,
): Promise<boolean> {
  const endMs = performance.now() + limitMs;
  while (performance.now() < endMs) {
    if (await holds().catch(() => false)) return true;
    await rest(LOOK_MS, undefined, { signal });
  }
  return false;
}

function since(loss: Loss): string {
  return duration(performance.now() - loss.atMs);
}

function tell({ screen }: Pick<StoryParts, 'screen'>, at: Date, what: string): void {
  screen.line(`  ${clockTime(at)}  ${what}`);
}
