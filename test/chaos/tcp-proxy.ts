// What can happen on the way to the database? This process stands on it, one for each replica, and does what it is
// ordered to: nothing, delay, silence, losing one direction, cutting, or swallowing the answer to a COMMIT. It is a
// process of its own so that a busy harness never adds a fault that was not ordered.
//
//   node tcp-proxy.ts <port for control sessions> <port for the pools>
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import type { Channel, NumberedOrder, Order, Report, Weather } from './proxy-orders.js';
import { TagReader } from './tag-reader.js';

const HOST = '127.0.0.1';
const ports: Record<Channel, number> = { session: Number(process.argv[2]), work: Number(process.argv[3]) };
type Direction = 'up' | 'down';

/** One direction of a connection: chunks leave in the order in which they came, each not before its time. */
class Flow {
  #queue: { chunk: Buffer; atMs: number }[] = [];
  readonly from: Socket;
  readonly to: Socket;

  constructor({ from, to }: { from: Socket; to: Socket }) {
    this.from = from;
    this.to = to;
  }

  pass(chunk: Buffer, delayMs: number): void {
    if (delayMs === 0 && this.#queue.length === 0) return this.#write(chunk);
    this.#queue.push({ chunk, atMs: Math.max(this.#queue.at(-1)?.atMs ?? 0, performance.now() + delayMs) });
    if (this.#queue.length === 1) setTimeout(() => this.#release(), delayMs);
  }

  #release(): void {
    for (
      let next = this.#queue[0];
      next !== undefined && next.atMs <= performance.now();
      next = this.#queue[0]
    ) {
      this.#queue.shift();
      this.#write(next.chunk);
    }
    const next = this.#queue[0];
    if (next !== undefined) setTimeout(() => this.#release(), next.atMs - performance.now());
  }

  #write(chunk: Buffer): void {
    // Without back-pressure: what a test sends fits into memory, and a pause here would fight with the blackhole's.
    if (this.to.writable) this.to.write(chunk);
  }
}

class Way {
  weather: Weather = { kind: 'normal' };
  losing: Extract<Order, { kind: 'lose-answer' }> | null = null;
  readonly connections = new Set<Connection>();
  readonly channel: Channel;

  constructor(channel: Channel) {
    this.channel = channel;
  }

  listen(): Promise<number> {
    const server = createServer((client) => this.connections.add(new Connection(this, client)));
    return new Promise((resolve) => {
      server.listen(0, HOST, () => resolve((server.address() as AddressInfo).port)); // TCP servers have such an address
    });
  }

  change(weather: Weather): void {
    this.weather = weather;
    for (const connection of this.connections) connection.feel();
  }
}

class Connection {
  readonly #way: Way;
  readonly #up: Flow;
  readonly #down: Flow;
  readonly #tags = new TagReader();
  #sentWanted = false;
  #lostBytes = false;
  #isForgotten = false;

  constructor(way: Way, client: Socket) {
    const server = connect(ports[way.channel], HOST);
    this.#way = way;
    this.#up = new Flow({ from: client, to: server });
    this.#down = new Flow({ from: server, to: client });
    this.#read(this.#up, 'up');
    this.#read(this.#down, 'down');
    this.feel();
  }

  /** The weather has changed. */
  feel(): void {
    const { weather } = this.#way;
    if (this.#lostBytes && weather.kind !== 'half-open') return this.cut();
    for (const { from } of [this.#up, this.#down]) {
      if (weather.kind === 'blackhole') from.pause();
      else from.resume();
    }
  }

  cut(): void {
    this.#way.connections.delete(this);
    this.#up.from.resetAndDestroy();
    this.#down.from.resetAndDestroy();
  }

  /** Like a router that was replaced: both ends wait. */
  forget(): void {
    this.#way.connections.delete(this);
    this.#isForgotten = true;
  }

  #read(flow: Flow, direction: Direction): void {
    flow.from.setNoDelay(true);
    flow.from.on('data', (chunk: Buffer) => this.#pass(flow, direction, chunk));
    flow.from.on('error', () => undefined); // 'close' follows, and says all we need
    flow.from.on('end', () => this.#isLost(direction) || flow.to.end());
    flow.from.on('close', () => {
      // A goodbye gets as far as bytes do. Who never hears it stays open until the weather clears.
      if (this.#isLost(direction)) this.#lostBytes = true;
      else if (flow.from.errored === null) flow.to.end();
      else this.cut();
      if (this.#up.from.closed && this.#down.from.closed) this.#way.connections.delete(this);
    });
  }

  #pass(flow: Flow, direction: Direction, chunk: Buffer): void {
    const { weather, losing } = this.#way;
    if (this.#isLost(direction)) {
      this.#lostBytes = true;
      return;
    }
    if (direction === 'up' && losing?.after !== undefined) this.#sentWanted ||= chunk.includes(losing.after);
    if (direction === 'down' && this.#swallows(chunk)) return this.cut();
    flow.pass(chunk, weather.kind === 'delay' ? weather.ms : 0);
  }

  #isLost(direction: Direction): boolean {
    if (this.#isForgotten) return true;
    const { weather } = this.#way;
    return weather.kind === 'half-open' && weather.deaf === (direction === 'up' ? 'server' : 'client');
  }

  #swallows(chunk: Buffer): boolean {
    const tags = this.#tags.read(chunk);
    const { losing, channel } = this.#way;
    if (losing === null || (losing.after !== undefined && !this.#sentWanted)) return false;
    const tag = tags.find((each) => each.startsWith(losing.tag));
    if (tag === undefined) return false;
    for (const way of Object.values(ways)) way.losing = null; // one answer, on whichever way it came first
    report({ kind: 'answer-lost', channel, tag });
    return true;
  }
}

const ways: Record<Channel, Way> = { session: new Way('session'), work: new Way('work') };

function obey(order: Order): void {
  for (const channel of order.channels) {
    const way = ways[channel];
    if (order.kind === 'weather') way.change(order.weather);
    else if (order.kind === 'lose-answer') way.losing = order;
    else if (order.kind === 'forget') for (const connection of way.connections) connection.forget();
    else for (const connection of way.connections) connection.cut();
  }
}

function report(message: Report): void {
  if (process.connected) process.send?.(message);
}

process.on('message', ({ id, order }: NumberedOrder) => {
  obey(order);
  report({ kind: 'obeyed', id });
});
process.on('disconnect', () => process.exit(0)); // no harness is left to obey
const [session, work] = await Promise.all([ways.session.listen(), ways.work.listen()]);
report({ kind: 'listening', ports: { session, work } });
