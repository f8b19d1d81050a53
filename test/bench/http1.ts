/**
 * What does a head cost, beside Node's own llhttp? `node test/bench/http1.ts`: nanoseconds a message, ours and llhttp in turn, the best
 * of some rounds; then the throughput of chunked bodies and the cost of writing heads.
 */

import { Buffer } from 'node:buffer';
import { cpus } from 'node:os';

import { ReadEvent } from '@causeway/http1/body-reader';
import { BodyLength } from '@causeway/http1/message-head';
import { RequestParser } from '@causeway/http1/request-parser';
import { ResponseParser } from '@causeway/http1/response-parser';
import { LlhttpReader } from '@causeway/http1/testing/llhttp';
import { chunkEnd, chunkStart } from '@causeway/http1/write-chunk';
import { requestHeadText, responseHeadText } from '@causeway/http1/write-head';
import { browserRequest, jsonBody, jsonResponse, smallRequest } from './http1-heads.ts';

const rounds = 7;
const roundMs = 150;

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** Nanoseconds of one call, the best round of each, the contestants in turn. */
function compare(title: string, contestants: Readonly<Record<string, () => void>>): void {
  const best = new Map<string, number>();
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, run] of Object.entries(contestants)) {
      const cost = costOf(run);
      if (cost < (best.get(name) ?? Infinity)) best.set(name, cost);
    }
  }
  const costs = [...best].map(([name, ns]) => `${name} ${ns.toFixed(0).padStart(7)} ns`);
  print(`${title.padEnd(44)} ${costs.join('   ')}`);
}

function costOf(run: () => void): number {
  const start = process.hrtime.bigint();
  const stop = start + BigInt(roundMs) * 1_000_000n;
  let calls = 0;
  let now = start;
  for (; now < stop; now = process.hrtime.bigint()) {
    for (let call = 0; call < 100; call += 1) run();
    calls += 100;
  }
  return Number(now - start) / calls;
}

/** Runs a parser over a message and fails unless it comes to the end. */
function readThrough(parser: RequestParser | ResponseParser, bytes: Buffer): void {
  let event: ReadEvent = parser.read(bytes, 0);
  while (event === ReadEvent.head || event === ReadEvent.chunk) event = parser.read(bytes, parser.consumedTo);
  if (event !== ReadEvent.end) throw new Error(`stopped with ${event}: ${parser.fault?.detail}`);
}

function executeAll(reader: LlhttpReader, ...chunks: readonly Buffer[]): void {
  for (const chunk of chunks) {
    const fault = reader.execute(chunk);
    if (fault !== undefined) throw new Error(fault);
  }
  reader.messages.length = 0;
}

function benchRequests(): void {
  const ours = new RequestParser();
  const theirs = new LlhttpReader('request');
  for (const [title, text] of [
    ['request head, 3 fields', smallRequest],
    ['request head, 15 fields', browserRequest],
  ] as const) {
    const bytes = latin1(text);
    compare(`${title}, ${bytes.length} bytes`, {
      ours: () => readThrough(ours, bytes),
      llhttp: () => executeAll(theirs, bytes),
    });
    const [first, second] = [bytes.subarray(0, bytes.length >> 1), bytes.subarray(bytes.length >> 1)];
    compare(`${title}, in two chunks`, {
      ours: () => {
        ours.read(first, 0);
        readThrough(ours, second);
      },
      llhttp: () => {
        executeAll(theirs, first, second);
      },
    });
  }
}

function benchResponses(): void {
  const ours = new ResponseParser();
  const theirs = new LlhttpReader('response');
  const bytes = latin1(jsonResponse + jsonBody);
  compare(`response, 8 fields and body, ${bytes.length} bytes`, {
    ours: () => {
      ours.begin('GET');
      readThrough(ours, bytes);
    },
    llhttp: () => executeAll(theirs, bytes),
  });
}

function benchChunked(chunkBytes: number): void {
  const ours = new ResponseParser();
  const theirs = new LlhttpReader('response');
  const chunk = latin1(`${chunkStart(chunkBytes)}${'x'.repeat(chunkBytes)}${chunkEnd}`);
  const count = Math.ceil(1_048_576 / chunkBytes);
  const bytes = Buffer.concat([
    latin1('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'),
    ...Array.from({ length: count }, () => chunk),
    latin1('0\r\n\r\n'),
  ]);
  compare(`chunked, 1 MiB in chunks of ${chunkBytes}`, {
    ours: () => {
      ours.begin('GET');
      for (let at = 0; at < bytes.length - 65_536; at += 65_536)
        readPart(ours, bytes.subarray(at, at + 65_536));
      readThrough(ours, bytes.subarray(bytes.length - ((bytes.length - 1) % 65_536) - 1));
    },
    llhttp: () => {
      for (let at = 0; at < bytes.length; at += 65_536) theirs.execute(bytes.subarray(at, at + 65_536));
      theirs.messages.length = 0;
    },
  });
}

function readPart(parser: ResponseParser, bytes: Buffer): void {
  let event: ReadEvent = parser.read(bytes, 0);
  while (event !== ReadEvent.more) event = parser.read(bytes, parser.consumedTo);
}

function benchWriting(): void {
  const request = fieldsOf(browserRequest);
  const response = fieldsOf(jsonResponse);
  compare('write a request head, 14 fields', {
    ours: () => void latin1(requestHeadText('GET', '/search?q=gateway&page=2', request, undefined)),
  });
  compare('write a response head, 6 fields', {
    ours: () => void latin1(responseHeadText(200, response, BodyLength.chunked, false)),
  });
}

function fieldsOf(head: string): string[] {
  const lines = head.split('\r\n').slice(1, -2);
  const pairs = lines.map((line) => line.split(': ', 2));
  return pairs.filter(([name]) => name !== 'Connection' && name !== 'Content-Length').flat();
}

print(`node ${process.version}, llhttp ${process.versions['llhttp']}, ${cpus()[0]?.model}`);
benchRequests();
benchResponses();
for (const chunkBytes of [16, 1024, 65_536]) benchChunked(chunkBytes);
benchWriting();
