// node process.ts PEER URL SEAT SEATS: what does the process of a peer's worker do? It connects, and then begins and
// halts as it is told. What it starts it counts in memory and tells every few milliseconds, not one by one.
import type { Order, Word } from './messages.js';
import { ROLL } from './roll.js';

const TELL_MS = 5;

const [name, url = '', seat, seats] = process.argv.slice(2);
const peer = ROLL.find((each) => each.name === name);
if (peer === undefined) throw new Error(`expected a peer, got ${name}`);
const worker = await peer.openWorker(url, { seat: Number(seat), seats: Number(seats) });

let count = 0;
let firstAtMs = 0;
let waitsMs: number[] = [];
const nowMs = (): number => performance.timeOrigin + performance.now();

const orders: Record<Order, () => Promise<void>> = {
  begin: () => {
    firstAtMs = 0;
    return worker.begin(({ askedAtMs }) => {
      if (firstAtMs === 0) firstAtMs = nowMs();
      if (askedAtMs !== undefined) waitsMs.push(nowMs() - askedAtMs);
      count += 1;
    });
  },
  halt: () => worker.halt(),
};

process.on('message', (order: Order) => {
  void orders[order]().then(() => say({ said: order }));
});
process.on('disconnect', () => process.exit(0));
setInterval(() => {
  if (count === 0) return;
  say({ said: 'started', count, firstAtMs, waitsMs });
  count = 0;
  waitsMs = [];
}, TELL_MS);
say({ said: 'ready' });

function say(word: Word): void {
  process.send?.(word);
}
