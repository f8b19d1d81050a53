/** The log line by which a process tells its real ports; whoever starts it on port 0 learns them from here. */

import type { AddressInfo } from 'node:net';

import { parseRecord } from './log-line.ts';
import type { Logger } from './logger.ts';

export interface ListeningLine {
  /** Which of the process's listeners: `admin`, `stream`, `status`, or a name that the configuration gives. */
  readonly listener: string;
  /** The IP address that it is bound to. */
  readonly address: string;
  /** The real port, also when 0 was asked for. */
  readonly port: number;
}

const message = 'listening';

/** Logs that `listener` is open. Call it once a port is open, with what the server says its address is. */
export function logListening(
  logger: Logger,
  listener: string,
  bound: Pick<AddressInfo, 'address' | 'port'>,
): void {
  logger.info({ listener, address: bound.address, port: bound.port }, message);
}

/** Reads such a line of JSON; undefined for every other line. */
export function parseListeningLine(line: string): ListeningLine | undefined {
  const record = parseRecord(line);
  if (record?.['msg'] !== message) return undefined;
  const { listener, address, port } = record;
  if (typeof listener !== 'string' || typeof address !== 'string' || typeof port !== 'number')
    return undefined;
  return { listener, address, port };
}
