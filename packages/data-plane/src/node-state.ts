/** What a node keeps on disk, and what it reads from there before it can join. */

import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type DirectoryLock,
  lockDirectory,
  makePrivateDirectory,
  writeFileAtomic,
} from '@causeway/runtime/data-dir';
import { GatewayError } from '@causeway/runtime/errors';
import type { Logger } from '@causeway/runtime/logger';

export interface NodeState {
  readonly nodeId: string;
  readonly lastGoodPath: string;
  /** File for the keys of issuers of tokens. */
  readonly keptKeysPath: string;
  readonly lock: DirectoryLock;
}

/** It names a directory, and stands in logs, metrics and tables. */
const nodeIdPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** What is wrong with the text as a node's id, as the end of a sentence; undefined when it is one. */
export function checkNodeId(text: string): string | undefined {
  return nodeIdPattern.test(text)
    ? undefined
    : 'is no node id: 1 to 63 letters, digits, dots, dashes and underscores, the first a letter or digit';
}

/**
 * Makes and locks `nodes/<id>` in the data directory; without `nodeId` the id is a UUID that is made once and kept.
 * @throws GatewayError `directory_in_use` when another process runs a node of this id here.
 */
export async function openNodeState(dataDir: string, nodeId: string | undefined): Promise<NodeState> {
  makePrivateDirectory(dataDir);
  const id = nodeId ?? (await keptNodeId(join(dataDir, 'node.id')));
  const directory = join(dataDir, 'nodes', id);
  makePrivateDirectory(directory);
  return {
    nodeId: id,
    lastGoodPath: join(directory, 'last-good'),
    keptKeysPath: join(directory, 'issuer-keys.json'),
    lock: lockDirectory(directory),
  };
}

/**
 * Reads the token by which this node proves itself, at each call. Undefined while the file is not there, which is logged
 * once: the control plane may make it later.
 */
export function nodeTokenReader(
  settings: { readonly dataDir: string; readonly nodeTokenFile: string | undefined },
  logger: Logger,
): () => string | undefined {
  const path = settings.nodeTokenFile ?? join(settings.dataDir, 'node.token');
  let isTold = false;
  return () => {
    const token = existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
    if (token !== '') return token;
    if (!isTold)
      logger.warn({ path }, 'waiting for the node token, which the control plane writes at its first start');
    isTold = true;
    return undefined;
  };
}

async function keptNodeId(path: string): Promise<string> {
  if (!existsSync(path)) await writeFileAtomic(path, `${randomUUID()}\n`);
  const id = readFileSync(path, 'utf8').trim();
  const wrong = checkNodeId(id);
  if (wrong === undefined) return id;
  throw new GatewayError({
    code: 'bad_node_id',
    message: `${path}: "${id}" ${wrong}. Mend or remove the file.`,
    httpStatus: 500,
    grpcStatus: 13,
  });
}
