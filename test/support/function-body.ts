// What does a function of ours do inside? A plan shows a call and nothing of what is called, so the statement in the
// body of an SQL function is sent by itself, with its arguments in the place of their names.
import { CompiledQuery, sql } from 'kysely';
import type { Database } from '#database/connection.js';

export async function callBody(db: Database, name: string, values: readonly unknown[]): Promise<void> {
  const { rows } = await sql<{ body: string; names: string[]; types: string[] }>`
    select prosrc as body, proargnames as names,
           array(select format_type(type, null) from unnest(proargtypes::oid[]) with ordinality as a (type, n) order by n) as types
      from pg_proc where oid = ${`carillon.${name}`}::regproc`.execute(db);
  const [called] = rows;
  if (called === undefined) throw new Error(`expected a function ${name}, got none`);
  const text = called.names.reduce(
    (body, argument, index) =>
      body.replaceAll(`${name}.${argument}`, `$${index + 1}::${called.types[index]}`),
    called.body,
  );
  await db.executeQuery(CompiledQuery.raw(text, [...values]));
}
