/** What is reported of a port that the system does not let the node open. */

import { create } from '@bufbuild/protobuf';
import { type NodeProblem, NodeProblemSchema } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { messageOf, systemCodeOf } from '@causeway/runtime/errors';
import { formatListenAddress } from '@causeway/runtime/listen-address';

import type { Table, TableSocket } from '../table/table.ts';

export function listenProblem(socket: TableSocket, table: Table, error: unknown): NodeProblem {
  const code = systemCodeOf(error);
  const [listener] = socket.listeners;
  const where = formatListenAddress({ host: socket.address, port: socket.port });
  const why = code === undefined ? messageOf(error) : `${phrases[code] ?? messageOf(error)} (${code})`;
  return create(NodeProblemSchema, {
    reason: 'listener_failed',
    resource: `gateway/${table.gateway.name}`,
    pointer: `/spec/listeners/${listener?.spec.index ?? 0}/port`,
    detail: `cannot listen on ${where}: ${why}`,
  });
}

const phrases: Readonly<Record<string, string>> = {
  EADDRINUSE: 'address in use',
  EACCES: 'not allowed; ports below 1024 need a privilege',
  EADDRNOTAVAIL: 'not an address of this machine',
};
