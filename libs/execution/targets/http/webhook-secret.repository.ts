// The secrets that sign a tenant's calls.
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import type { TenantId } from '#kernel/ids.js';

export interface WebhookSecretRow {
  id: string;
  createdAt: Date;
  /** When it stops signing; null while no newer secret has replaced it. */
  expiresAt: Date | null;
}

const columns = ['id', 'created_at as createdAt', 'expires_at as expiresAt'] as const;

export async function insertWebhookSecret(
  db: Database,
  { id, tenantId, secret }: { id: string; tenantId: TenantId; secret: string },
): Promise<WebhookSecretRow> {
  return db
    .insertInto('webhook_secret')
    .values({ id, tenant_id: tenantId, secret })
    .returning(columns)
    .executeTakeFirstOrThrow();
}

/**
 * Of several requests that change a tenant's secrets, one acts at a time, and counts the secrets that the others made.
 */
export async function lockSecrets(tx: Tx, tenantId: TenantId): Promise<void> {
  // Not `for update`, since each new run refers to the tenant's key.
  await sql`select from carillon.tenant where id = ${tenantId} for no key update`.execute(tx);
}

/** Ends all signing secrets but the newest at once, so that a rotation never leaves more than two. */
export async function keepNewest(tx: Tx, tenantId: TenantId): Promise<void> {
  await sql`
    delete from carillon.webhook_secret
     where tenant_id = ${tenantId}
       and id <> (select id from carillon.webhook_secret where tenant_id = ${tenantId} order by created_at desc, id desc limit 1)`.execute(
    tx,
  );
}

/** Lets all secrets but one end after a while, unless they end before, and deletes those that have ended. */
export async function retireOthers(
  tx: Tx,
  { tenantId, keepId, overlapSeconds }: { tenantId: TenantId; keepId: string; overlapSeconds: number },
): Promise<void> {
  await tx
    .deleteFrom('webhook_secret')
    .where('tenant_id', '=', tenantId)
    .where('expires_at', '<=', sql<Date>`clock_timestamp()`)
    .execute();
  const end = sql<Date>`least(expires_at, clock_timestamp() + make_interval(secs => ${overlapSeconds}))`;
  await tx
    .updateTable('webhook_secret')
    .set({ expires_at: end })
    .where('tenant_id', '=', tenantId)
    .where('id', '<>', keepId)
    .execute();
}

/** The secrets that sign now, newest first. */
export async function listWebhookSecrets(db: Database, tenantId: TenantId): Promise<WebhookSecretRow[]> {
  return db
    .selectFrom('webhook_secret')
    .select(columns)
    .where('tenant_id', '=', tenantId)
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', sql<Date>`clock_timestamp()`)]))
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .execute();
}

/** False when the tenant has no such secret. */
export async function deleteWebhookSecret(
  db: Database,
  { tenantId, id }: { tenantId: TenantId; id: string },
): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('webhook_secret')
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst();
  return numDeletedRows === 1n;
}

export interface Sender {
  tenantName: string;
  /** Newest first. */
  secrets: string[];
}

/** The name and the secrets with which a tenant's calls are made. */
export async function findSender(db: Database, tenantId: TenantId): Promise<Sender | undefined> {
  const { rows } = await sql<Sender>`
    select t.name as "tenantName",
           array(select s.secret from carillon.webhook_secret s
                  where s.tenant_id = t.id and (s.expires_at is null or s.expires_at > clock_timestamp())
                  order by s.created_at desc, s.id desc) as secrets
      from carillon.tenant t where t.id = ${tenantId}`.execute(db);
  return rows[0];
}
