// Which statements does a repository send? Their texts, asked of the repository itself with a database behind it that
// finds nothing.
import { databaseOver, type Tx } from '#database/connection.js';

export async function sentStatements(act: (tx: Tx) => Promise<unknown>): Promise<string[]> {
  const texts: string[] = [];
  const query = async (text: string) => {
    texts.push(text);
    return { command: 'SELECT', rows: [], rowCount: 0 };
  };
  // Of a pool's client Kysely calls these two.
  const lent = { query, release: () => undefined } as never;
  const db = databaseOver({ connect: async () => lent, end: async () => undefined, options: {} });
  await act(db as Tx); // the repositories only send statements through it
  return texts;
}
