import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { exitCodes } from '../exit-codes.ts';
import { Failure } from '../failure.ts';
import { findNodeName } from '../find-node.ts';
import type { Io } from '../io.ts';
import { counted } from '../output/counted.ts';
import { withWaitFlags, type WaitFlags } from '../revision/write-flags.ts';
import { openSession, type Session } from '../session.ts';

/** Each worker may take as long as the Gateway lets connections drain. */
const timeoutMsDefault = 300_000;
const lookMs = 500;

export function addRestartWorkers(program: Command, io: Io): void {
  const command = program
    .command('restart-workers')
    .description('replace the worker threads of a node one by one, losing nothing that is under way')
    .argument('<node>', 'name of the node');
  withWaitFlags(command, 'until every worker is replaced', timeoutMsDefault).action(
    async (node: string, flags: WaitFlags, self: Command) =>
      runRestartWorkers(await openSession(io, self), node, flags),
  );
}

async function runRestartWorkers(session: Session, written: string, flags: WaitFlags): Promise<void> {
  const { io, client } = session;
  const node = await findNodeName(client, written);
  const { workers } = await client.restartWorkers(node);
  io.out(`node/${node}: replacing ${counted(workers, 'worker')}, one by one`);
  if (flags.wait !== true) return;
  const endMs = performance.now() + flags.timeout;
  for (;;) {
    const { workersToReplace = 0, state } = (await client.node(node)).status;
    if (state === 'OFFLINE') throw new Failure(`node/${node} went away while its workers were replaced`);
    if (workersToReplace === 0) break;
    if (performance.now() > endMs)
      throw new Failure(
        `${workersToReplace} of ${counted(workers, 'worker')} of node/${node} are not replaced yet; it goes on without being waited for`,
        { exitCode: exitCodes.timedOut },
      );
    await sleep(lookMs);
  }
  io.out(`node/${node}: ${counted(workers, 'worker')} replaced`);
}
