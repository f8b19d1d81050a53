import type { AdminClient } from '@causeway/admin-client/client';
import type { Command } from 'commander';
import { type Connection, type GlobalFlags, resolveConnection } from './connection/resolve-connection.ts';
import type { Io } from './io.ts';

/** One command's way to the control plane. */
export interface Session extends Connection {
  readonly io: Io;
  readonly client: AdminClient;
}

/** Reads the context; no connection is made yet. The name of the command is recorded with what it writes. */
export async function openSession(io: Io, command: Command): Promise<Session> {
  const connection = await resolveConnection(io, command.optsWithGlobals<GlobalFlags>());
  const { createAdminClient } = await import('@causeway/admin-client/client');
  const { server, token, context } = connection;
  const client = createAdminClient({ server, token, context, userAgent: `gwctl ${command.name()}` });
  return { ...connection, io, client };
}
