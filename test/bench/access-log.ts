// What does a line of the access log cost, its formatting and its way into a file included?
//
// CPU of the whole process, its other threads too: writing happens on one of them. Records are made beforehand and differ
// from each other as those of real traffic do.

import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FileOutput } from '@causeway/data-plane/observe/file-output';
import { AccessLog } from '@causeway/data-plane/observe/access-log';
import type { ExchangeRecord } from '@causeway/data-plane/proxy/exchange-record';
import { exchangeRecord } from '@causeway/data-plane/testing/exchange-records';
import { systemClock } from '@causeway/runtime/clock';
import { createLogger } from '@causeway/runtime/logger';
import { formatTable } from './table.ts';

const lines = 300_000;
/** Lines of a millisecond: at this pace the writer keeps up and nothing is dropped. */
const linesPerTurn = 200;
const runs = 5;

const browser =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';

/** The first samples every line away: what is left is the cost of the bench itself. */
const variants = [
  { name: 'none', format: 'json', redactQuery: [], samplePercent: 0 },
  { name: 'json', format: 'json', redactQuery: [], samplePercent: 100 },
  { name: 'json, query redacted', format: 'json', redactQuery: ['token'], samplePercent: 100 },
  { name: 'common', format: 'common', redactQuery: [], samplePercent: 100 },
  { name: 'combined', format: 'combined', redactQuery: [], samplePercent: 100 },
] as const;

export async function benchAccessLog(print: (line: string) => void): Promise<void> {
  const records = Array.from({ length: 4096 }, (_, index) => recordOf(index));
  const rows: string[][] = [];
  for (const variant of variants) {
    const costs: Cost[] = [];
    for (let run = 0; run < runs; run++) costs.push(await measure(variant, records));
    const median = costs.toSorted((a, b) => a.microseconds - b.microseconds)[Math.floor(runs / 2)]!;
    const { microseconds, system, bytes, dropped } = median;
    rows.push([variant.name, microseconds.toFixed(2), system.toFixed(2), bytes.toFixed(0), String(dropped)]);
  }
  print(formatTable(['line', 'CPU us', 'of it kernel', 'bytes', 'dropped'], rows));
}

interface Cost {
  readonly microseconds: number;
  readonly system: number;
  readonly bytes: number;
  readonly dropped: number;
}

async function measure(
  { format, redactQuery, samplePercent }: (typeof variants)[number],
  records: readonly ExchangeRecord[],
): Promise<Cost> {
  const directory = mkdtempSync(join(tmpdir(), 'causeway-bench-log-'));
  try {
    const path = join(directory, 'access.log');
    const log = new AccessLog({
      clock: systemClock,
      logger: createLogger({ level: 'error' }),
      outputTo: () => new FileOutput(path, systemClock),
      onLost: () => {},
    });
    const settings = { format, path, samplePercent, redactHeaders: [], redactQuery };
    (await log.prepare(settings, { required: true })).commit();
    await sleep(1);
    const before = process.cpuUsage();
    for (let line = 0; line < lines; line += linesPerTurn) {
      for (let index = line; index < line + linesPerTurn; index++) log.add(records[index & 4095]!);
      await sleep(1);
    }
    await log.close();
    const { user, system } = process.cpuUsage(before);
    return {
      microseconds: (user + system) / lines,
      system: system / lines,
      bytes: statSync(path).size / lines,
      dropped: log.dropped,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function recordOf(index: number): ExchangeRecord {
  return exchangeRecord({
    requestId: `01kamxq5p1${String(index).padStart(6, '0')}`,
    startedWallMs: Date.UTC(2026, 10, 23, 4, 10) + index,
    path: `/api/v1/items/${index}`,
    query: index % 4 === 0 ? `page=${index}&token=abc` : undefined,
    userAgent: browser,
    durationMs: 1 + (index % 997) / 7,
    upstreamMs: (index % 997) / 7,
    bytesOut: index,
  });
}
