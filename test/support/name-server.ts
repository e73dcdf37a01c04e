// A DNS server of a test's own: it knows the addresses of some names, never answers about others, and knows no more.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

const HEADER_BYTES = 12;
const TYPE = { A: 1, AAAA: 28 } as const;
const NO_SUCH_NAME = 3;

/** Names with their IPv4 and IPv6 addresses, the latter in full (eight groups); `silent` for one that is never answered. */
export async function startNameServer(
  names: Readonly<Record<string, readonly string[] | 'silent'>>,
): Promise<string> {
  const socket = createSocket('udp4');
  socket.on('message', (query, { port, address }) => {
    const { name, type, question } = questionIn(query);
    const known = names[name];
    if (known !== 'silent') socket.send(answerTo(query, { question, type, known }), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  const { port }: AddressInfo = socket.address();
  return `127.0.0.1:${port}`;
}

function questionIn(query: Buffer) {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return {
    name: labels.join('.').toLowerCase(),
    type: query.readUInt16BE(at + 1),
    question: query.subarray(HEADER_BYTES, at + 5),
  };
}

function answerTo(
  query: Buffer,
  { question, type, known }: { question: Buffer; type: number; known: readonly string[] | undefined },
): Buffer {
  const data = (known ?? []).map(bytesOf).filter(({ length }) => length === (type === TYPE.A ? 4 : 16));
  const header = Buffer.alloc(HEADER_BYTES);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x81_80 | (known === undefined ? NO_SUCH_NAME : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(data.length, 6);
  const records = data.map((address) => {
    const record = Buffer.alloc(HEADER_BYTES);
    record.writeUInt16BE(0xc0_0c, 0); // the name of the question
    record.writeUInt16BE(type, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt16BE(address.length, 10);
    return Buffer.concat([record, address]);
  });
  return Buffer.concat([header, question, ...records]);
}

function bytesOf(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  return Buffer.from(
    address
      .split(':')
      .flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
  );
}
