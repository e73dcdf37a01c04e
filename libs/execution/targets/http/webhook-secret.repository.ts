// Which statements keep the secrets that sign a tenant's calls?
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import type { TenantId } from '#kernel/ids.js';

export interface WebhookSecretRow {
  id: string;
  createdAt: Date;
  /** When it stops signing; null while nothing has replaced it. */
  expiresAt: Date | null;
}

const columns = sql.raw('id, created_at as "createdAt", expires_at as "expiresAt"');

export async function insertWebhookSecret(
  db: Database,
  { id, tenantId, secret }: { id: string; tenantId: TenantId; secret: string },
): Promise<WebhookSecretRow> {
  const { rows } = await sql<WebhookSecretRow>`
    insert into carillon.webhook_secret (id, tenant_id, secret) values (${id}, ${tenantId}, ${secret}) returning ${columns}`.execute(
    db,
  );
  if (rows[0] === undefined) throw new Error(`expected the new secret ${id} back, got no row`);
  return rows[0];
}

/** Of many that want to change a tenant's secrets at once, one does at a time, and counts what the others have made. */
export async function lockSecrets(tx: Tx, tenantId: TenantId): Promise<void> {
  // Without the key, which each new run of the tenant's refers to.
  await sql`select from carillon.tenant where id = ${tenantId} for no key update`.execute(tx);
}

/** Ends at once all that sign but the newest, so that a rotation never leaves more than two. */
export async function keepNewest(tx: Tx, tenantId: TenantId): Promise<void> {
  await sql`
    delete from carillon.webhook_secret
     where tenant_id = ${tenantId}
       and id <> (select id from carillon.webhook_secret where tenant_id = ${tenantId} order by created_at desc, id desc limit 1)`.execute(
    tx,
  );
}

/** Lets all but one secret end after a while, unless they end before, and deletes those that have. */
export async function retireOthers(
  tx: Tx,
  { tenantId, keepId, overlapSeconds }: { tenantId: TenantId; keepId: string; overlapSeconds: number },
): Promise<void> {
  await sql`delete from carillon.webhook_secret where tenant_id = ${tenantId} and expires_at <= clock_timestamp()`.execute(
    tx,
  );
  await sql`
    update carillon.webhook_secret set expires_at = least(expires_at, clock_timestamp() + make_interval(secs => ${overlapSeconds}))
     where tenant_id = ${tenantId} and id <> ${keepId}`.execute(tx);
}

/** Those that sign now, newest first. */
export async function listWebhookSecrets(db: Database, tenantId: TenantId): Promise<WebhookSecretRow[]> {
  const { rows } = await sql<WebhookSecretRow>`
    select ${columns} from carillon.webhook_secret
     where tenant_id = ${tenantId} and (expires_at is null or expires_at > clock_timestamp())
     order by created_at desc, id desc`.execute(db);
  return rows;
}

/** False when the tenant has no such secret. */
export async function deleteWebhookSecret(
  db: Database,
  { tenantId, id }: { tenantId: TenantId; id: string },
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    delete from carillon.webhook_secret where tenant_id = ${tenantId} and id = ${id}`.execute(db);
  return numAffectedRows === 1n;
}

export interface Sender {
  tenantName: string;
  /** Newest first. */
  secrets: string[];
}

/** As whom a tenant's calls are made. */
export async function findSender(db: Database, tenantId: TenantId): Promise<Sender | undefined> {
  const { rows } = await sql<Sender>`
    select t.name as "tenantName",
           array(select s.secret from carillon.webhook_secret s
                  where s.tenant_id = t.id and (s.expires_at is null or s.expires_at > clock_timestamp())
                  order by s.created_at desc, s.id desc) as secrets
      from carillon.tenant t where t.id = ${tenantId}`.execute(db);
  return rows[0];
}
