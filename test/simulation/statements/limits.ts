// What do the statements of the token buckets mean?
import { answer, BLOCKED, changed, zipped, type Meaning, type Scene } from './meaning.js';

/** A new bucket has been full for so long. */
const HOUR_MS = 3_600_000;

export const LIMIT_STATEMENTS: readonly Meaning[] = [
  {
    name: 'lockBuckets',
    says: ['insert into carillon.rate_bucket as b (tenant_id, job_type, spent_until)'],
    run: lockBuckets,
  },
  {
    name: 'spend',
    says: ['update carillon.rate_bucket b set spent_until = to_timestamp('],
    run: (scene) => {
      const { db, tx, params } = scene;
      const spent = (zipped(...params) as [string, string, number][]).map(
        ([tenantId, jobType, spentUntilMs]) => ({ key: keyOf(scene, tenantId, jobType), spentUntilMs }),
      );
      const keys = spent.map(({ key }) => key);
      if (!db.rateBucket.lockAll(keys, tx)) return BLOCKED;
      for (const { key, spentUntilMs } of spent) db.rateBucket.write(key, tx, { spentUntilMs });
      return changed(spent.length);
    },
  },
];

function lockBuckets(scene: Scene): ReturnType<Meaning['run']> {
  const { db, tx, params, server } = scene;
  const wanted = (zipped(...params) as [string, string][])
    .map(([tenantId, jobType]) => ({ tenantId, jobType, key: keyOf(scene, tenantId, jobType) }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const keys = wanted.map(({ key }) => key);
  if (!db.rateBucket.lockAll(keys, tx)) return BLOCKED;
  const nowMs = server.wallMs();
  const buckets = wanted.map(({ tenantId, jobType, key }) => {
    const spentUntilMs = db.rateBucket.get(key, tx)?.spentUntilMs ?? nowMs - HOUR_MS;
    db.rateBucket.write(key, tx, { spentUntilMs });
    return { tenantId, jobType, nowMs, spentUntilMs };
  });
  return answer(buckets, 'INSERT');
}

function keyOf({ session, broken }: Scene, tenantId: string, jobType: string): string {
  const key = `${tenantId}/${jobType}`;
  return broken.has('rates kept in memory only') ? `${session.applicationName}/${key}` : key;
}
