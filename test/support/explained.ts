// How does the server carry out what a repository asks for? The statements are taken from the repository itself as it
// sends them, with their values and on a session like its own, inside a transaction that is rolled back; each is
// explained as it was sent, once planned for these values and once for any.
import pg from 'pg';
import { databaseOver, sessionConfig, type Database } from '#database/connection.js';

export interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Index Cond'?: string;
  'Recheck Cond'?: string;
  /** Partitions that the values have ruled out before it began. */
  'Subplans Removed'?: number;
  Plans?: PlanNode[];
}

export interface Explained {
  readonly mode: 'custom' | 'generic';
  readonly text: string;
  readonly plan: PlanNode;
}

/** The plans of every statement that `act` sends. */
export async function explained(
  { url, walksIndexes }: { url: string; walksIndexes: boolean },
  act: (tx: Database) => Promise<unknown>,
): Promise<Explained[]> {
  const client = new pg.Client(
    sessionConfig({ url, applicationName: 'test', statementTimeoutMs: 20_000, walksIndexes }),
  );
  await client.connect();
  try {
    await client.query('begin');
    const sent: { text: string; values: readonly unknown[] }[] = [];
    await act(listening(client, (text, values) => sent.push({ text, values })));
    await client.query('rollback');
    const plans: Explained[] = [];
    for (const { text, values } of sent) plans.push(...(await plansOf(client, text, values)));
    return plans;
  } finally {
    await client.end();
  }
}

function listening(client: pg.Client, hear: (text: string, values: readonly unknown[]) => void): Database {
  const query = async (text: string, values: readonly unknown[] = []) => {
    hear(text, values);
    return client.query(text, [...values]);
  };
  // Of a pool's client Kysely calls these two.
  const lent = { query, release: () => undefined } as never;
  return databaseOver({ connect: async () => lent, end: async () => undefined, options: {} });
}

/** Prepared, because only so a server before version 16 shows a plan that is good for any values. */
async function plansOf(client: pg.Client, text: string, values: readonly unknown[]): Promise<Explained[]> {
  await client.query(`prepare explained as ${text}`);
  const call = values.length === 0 ? '' : `(${values.map((value) => literal(client, value)).join(', ')})`;
  const plans: Explained[] = [];
  for (const mode of ['custom', 'generic'] as const) {
    await client.query(`set plan_cache_mode = force_${mode}_plan`);
    const { rows } = await client.query<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(
      `explain (format json, costs off) execute explained${call}`,
    );
    const [plan] = rows[0]?.['QUERY PLAN'] ?? [];
    if (plan === undefined) throw new Error(`expected a plan, got none: ${text}`);
    plans.push({ mode, text, plan: plan.Plan });
  }
  await client.query('deallocate explained');
  return plans;
}

function literal(client: pg.Client, value: unknown): string {
  const text = textOf(value);
  return text === null ? 'null' : client.escapeLiteral(text);
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) return `{${value.map(elementOf).join(',')}}`;
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function elementOf(value: unknown): string {
  const text = textOf(value);
  return text === null ? 'null' : `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** Every node of the plan, from the top. */
export function nodesOf(plan: PlanNode): PlanNode[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}
