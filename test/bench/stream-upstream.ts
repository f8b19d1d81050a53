// Starts the upstream of benches about streams.

import { join } from 'node:path';
import { startChild } from '../kit/child.ts';
import type { Owner } from '../kit/owner.ts';
import { freePort, type RunningPeer, untilServing } from './peers/peer.ts';

export async function startStreamUpstream(owner: Owner): Promise<RunningPeer> {
  const port = await freePort();
  const args = [join(import.meta.dirname, 'serve-streams.ts'), String(port)];
  const env = { NODE_ENV: 'production' };
  return untilServing(startChild(owner, { name: 'upstream', command: process.execPath, args, env }), port);
}
