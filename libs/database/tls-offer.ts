// Does the server at a URL speak TLS? libpq's question, as the first message on a connection, with an answer of one
// letter. Asked once as a replica starts, where the URL says `sslmode=prefer` (TLS if there is any) or `allow` (only if
// it must be).
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import pg from 'pg';
import { leavesTlsToServer, settledDatabaseUrl } from './database-url.js';

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const OFFERED = 'S';
const TIMEOUT_MS = 5_000;
/** "no pg_hba.conf entry": the error of a server that admits no client without encryption. */
const NOT_ALLOWED = '28000';

/** The URL to use from now on. Rejects when the server can't be asked. */
export async function settleTls(text: string): Promise<string> {
  if (!leavesTlsToServer(text)) return settledDatabaseUrl(text);
  const isAllow = new URL(text).searchParams.get('sslmode') === 'allow';
  const usesTls = isAllow ? await isRefusedPlainly(text) : await offersTls(text);
  return settledDatabaseUrl(text, { usesTls });
}

async function offersTls(text: string): Promise<boolean> {
  const { host, port } = new pg.Client({ connectionString: settledDatabaseUrl(text, { usesTls: false }) });
  // TLS is for the network; libpq never asks for it on a socket of the machine.
  if (host.startsWith('/')) return false;
  const socket = connect({ host, port, timeout: TIMEOUT_MS });
  try {
    return (await ask(socket)) === OFFERED;
  } finally {
    socket.destroy();
  }
}

async function ask(socket: Socket): Promise<string> {
  socket.once('timeout', () => socket.destroy(new Error('timeout exceeded when trying to connect')));
  await once(socket, 'connect');
  socket.write(SSL_REQUEST);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return answer.toString('latin1', 0, 1);
}

async function isRefusedPlainly(text: string): Promise<boolean> {
  const client = new pg.Client({
    connectionString: settledDatabaseUrl(text, { usesTls: false }),
    connectionTimeoutMillis: TIMEOUT_MS,
  });
  client.on('error', () => undefined); // connecting reports the same
  try {
    await client.connect();
    return false;
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === NOT_ALLOWED) return true;
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
}
