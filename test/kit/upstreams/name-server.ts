// A name server that knows what a test tells it: A records with a TTL of a second (RFC 1035).

import { once } from 'node:events';
import { createSocket } from 'node:dgram';
import { onEnd, type Owner } from '../owner.ts';

const headBytes = 12;
const typeA = 1;
const ttlSeconds = 1;
/** A response, recursion desired and available; the code of its result is added. */
const responseFlags = 0x81_80;
const noSuchName = 3;

export interface NameServer {
  /** IPv4 addresses of a name; none: there is no such name. */
  set(name: string, ...addresses: string[]): void;
}

/** Listens at port 53 of `address`, for which it needs a network of its own. */
export async function startNameServer(owner: Owner, address: string): Promise<NameServer> {
  const names = new Map<string, readonly string[]>();
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    const { question, name, type } = readQuestion(query);
    const found = names.get(name) ?? [];
    const head = Buffer.alloc(headBytes);
    query.copy(head, 0, 0, 2);
    const records = type === typeA ? found.map(recordOf) : [];
    head.writeUInt16BE(responseFlags | (found.length === 0 ? noSuchName : 0), 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(records.length, 6);
    socket.send(Buffer.concat([head, question, ...records]), from.port, from.address);
  });
  socket.bind(53, address);
  await once(socket, 'listening');
  onEnd(owner, () => void socket.close());
  return { set: (name, ...addresses) => void names.set(name, addresses) };
}

function readQuestion(query: Buffer): { question: Buffer; name: string; type: number } {
  const labels: string[] = [];
  let at = headBytes;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  // Type and class follow the empty label.
  return {
    question: query.subarray(headBytes, at + 5),
    name: labels.join('.').toLowerCase(),
    type: query.readUInt16BE(at + 1),
  };
}

/** An A record of the name in the question. */
function recordOf(address: string): Buffer {
  const record = Buffer.from([0xc0, headBytes, 0, typeA, 0, 1, 0, 0, 0, ttlSeconds, 0, 4, 0, 0, 0, 0]);
  address.split('.').forEach((part, index) => record.writeUInt8(Number(part), record.length - 4 + index));
  return record;
}
