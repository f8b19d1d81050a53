import type { Command } from 'commander';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { counted } from '../output/counted.ts';
import { openSession, type Session } from '../session.ts';
import { parseTarget } from '../targets.ts';

export function addReset(program: Command, io: Io): void {
  const reset = program.command('reset').description('forget what nodes have found out');
  reset
    .command('breaker')
    .description('close the circuit breaker of a Service on all nodes, whatever its requests came to')
    .argument('<service>', 'name of the Service')
    .action(async (service: string, _: unknown, command: Command) =>
      resetBreaker(await openSession(io, command), service),
    );
}

async function resetBreaker(session: Session, written: string): Promise<void> {
  const { io, client, namespace } = session;
  const identity = parseTarget(written, 'Service', namespace);
  const shown = `service/${identity.name}`;
  const { nodes } = await client.resetBreaker(identity.namespace ?? namespace, identity.name);
  const failed = nodes.filter(({ error }) => error !== null);
  for (const { node, error } of failed) io.err(`${node}: ${error}`);
  if (failed.length > 0)
    throw new Failure(`the breaker of ${shown} is not reset on ${counted(failed.length, 'node')}`);
  io.out(`${shown}: breaker closed on ${counted(nodes.length, 'node')}`);
}
