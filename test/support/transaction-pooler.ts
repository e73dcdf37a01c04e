// How does a test get a pooler in transaction mode that runs on every machine? By this small one, which speaks PostgreSQL's
// protocol on both sides and lends a server connection to a client from the first message of a transaction to its end, just
// as PgBouncer does: the next transaction may meet another one, and what a client left on a session stays with the session
// and outlives the client. Server connections are opened by node-postgres, which knows how to log in; clients are let in
// without a password, and their start-up parameters are ignored.
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import pg from 'pg';

export interface TransactionPooler {
  /** The database's URL by way of the pooler. */
  readonly url: string;
  /** Ends every connection on both sides. */
  close(): Promise<void>;
}

/** `size`: as many server connections as there are; clients wait for one in turn. */
export async function startTransactionPooler(
  databaseUrl: string,
  { size }: { size: number },
): Promise<TransactionPooler> {
  const lines = await Promise.all(Array.from({ length: size }, () => openLine(databaseUrl)));
  const waiting: ((line: Line) => void)[] = [];
  const clients = new Set<Socket>();
  const server = createServer((socket) => {
    clients.add(socket);
    socket.on('close', () => clients.delete(socket));
    serve(socket, {
      // The last one that became free, as PgBouncer does: what it kept is met soon.
      take: async () => lines.pop() ?? new Promise((resolve) => waiting.push(resolve)),
      give: (line) => {
        const next = waiting.shift();
        if (next === undefined) lines.push(line);
        else next(line);
      },
    });
  });
  const all = [...lines];
  await listen(server);
  const { port } = server.address() as AddressInfo; // a TCP server that listens has one
  return {
    url: Object.assign(new URL(databaseUrl), { hostname: '127.0.0.1', port: String(port) }).href,
    close: async () => {
      server.close();
      for (const socket of clients) socket.destroy();
      await Promise.all(all.map((line) => line.close()));
    },
  };
}

interface Line {
  readonly socket: Socket;
  close(): Promise<void>;
}

interface Lines {
  take(): Promise<Line>;
  give(line: Line): void;
}

async function openLine(url: string): Promise<Line> {
  const client = new pg.Client({ connectionString: url, application_name: 'pooled' });
  client.on('error', () => undefined);
  await client.connect();
  const { stream: socket } = (client as unknown as { connection: { stream: Socket } }).connection; // not in the public types
  socket.removeAllListeners('data');
  return {
    socket,
    close: async () => {
      const closed = once(socket, 'close');
      socket.destroy();
      await closed;
    },
  };
}

const QUERY = 'Q'.charCodeAt(0);
const SYNC = 'S'.charCodeAt(0);
const TERMINATE = 'X'.charCodeAt(0);
const READY = 'Z'.charCodeAt(0);
const IDLE = 'I'.charCodeAt(0);
const SSL_REQUEST = 80_877_103;
const CANCEL_REQUEST = 80_877_102;

/** One client, from its start-up to its end. */
function serve(client: Socket, lines: Lines): void {
  const turns = new Turns(client, lines);
  let hasStarted = false;
  client.on('error', () => client.destroy());
  client.on('close', () => turns.end());
  client.on('data', (chunk: Buffer): void => {
    if (hasStarted) return turns.fromClient.take(chunk);
    const code = chunk.readInt32BE(4);
    if (code === SSL_REQUEST) return void client.write('N');
    if (code === CANCEL_REQUEST) return void client.end();
    hasStarted = true;
    client.write(Buffer.concat([authenticated(), backendKey(), Buffer.from([READY, 0, 0, 0, 5, IDLE])]));
    turns.fromClient.take(chunk.subarray(chunk.readInt32BE(0)));
  });
}

/** A client's turns on server connections, one for each transaction. */
class Turns {
  readonly fromClient = new Messages((message) => this.#send(message));
  readonly #fromServer = new Messages((message) => this.#answer(message));
  readonly #onData = (chunk: Buffer): void => this.#fromServer.take(chunk);
  readonly #unsent: Buffer[] = [];
  #line: Line | null = null;
  #isTaking = false;
  /** Messages that the server answers with ReadyForQuery. */
  #unanswered = 0;

  constructor(
    private readonly client: Socket,
    private readonly lines: Lines,
  ) {}

  end(): void {
    // In the middle of a transaction PgBouncer ends the server's connection, too.
    if (this.#line !== null && this.#unanswered > 0) this.#line.socket.destroy();
    else this.#giveBack();
  }

  #send(message: Buffer): void {
    if (message[0] === TERMINATE) return void this.client.end();
    this.#unsent.push(message);
    this.#pass();
  }

  #answer(message: Buffer): void {
    this.client.write(message);
    if (message[0] !== READY) return;
    this.#unanswered -= 1;
    if (this.#unanswered === 0 && message[5] === IDLE) this.#giveBack();
  }

  #pass(): void {
    if (this.#line === null) {
      if (!this.#isTaking) void this.#take();
      return;
    }
    for (const message of this.#unsent.splice(0)) {
      if (message[0] === QUERY || message[0] === SYNC) this.#unanswered += 1;
      this.#line.socket.write(message);
    }
  }

  async #take(): Promise<void> {
    this.#isTaking = true;
    this.#line = await this.lines.take();
    this.#isTaking = false;
    this.#line.socket.on('data', this.#onData);
    if (this.client.destroyed) this.#giveBack();
    else this.#pass();
  }

  #giveBack(): void {
    if (this.#line === null) return;
    this.#line.socket.off('data', this.#onData);
    this.lines.give(this.#line);
    this.#line = null;
    if (this.#unsent.length > 0) this.#pass();
  }
}

/** Cuts a stream into the protocol's messages: a letter, and a length that counts itself. */
class Messages {
  #rest = Buffer.alloc(0);

  constructor(private readonly onMessage: (message: Buffer) => void) {}

  take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 5) {
      const length = 1 + this.#rest.readInt32BE(1);
      if (this.#rest.length < length) return;
      const message = Buffer.from(this.#rest.subarray(0, length));
      this.#rest = this.#rest.subarray(length);
      this.onMessage(message);
    }
  }
}

function authenticated(): Buffer {
  return Buffer.from(['R'.charCodeAt(0), 0, 0, 0, 8, 0, 0, 0, 0]);
}

/** A number of the pooler's own, as PgBouncer gives it. */
function backendKey(): Buffer {
  const message = Buffer.alloc(13);
  message.write('K');
  message.writeInt32BE(12, 1);
  message.writeInt32BE(1 + Math.floor(Math.random() * 1_000_000), 5);
  return message;
}

async function listen(server: Server): Promise<void> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
}
