// A contestant in a directory of its own.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Owner } from '../kit/owner.ts';
import { TestAuthority } from '@causeway/runtime/testing/test-authority';
import type { Peer, RunningPeer } from './peers/peer.ts';

export async function startPeer(
  owner: Owner,
  peer: Peer,
  directory: string,
  { port, http2Port }: RunningPeer,
): Promise<RunningPeer> {
  const authority = await TestAuthority.create();
  const certificate = await authority.issue({ names: ['localhost'] });
  return peer.start({
    owner,
    directory: await makeDirectory(directory, peer.name),
    upstreamPort: port,
    upstreamHttp2Port: http2Port ?? 0,
    certificate,
  });
}

export async function makeDirectory(parent: string, name: string): Promise<string> {
  const path = join(parent, name);
  await mkdir(path, { recursive: true });
  return path;
}
