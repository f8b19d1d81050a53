import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { openSession } from '../session.ts';

export function addKeys(program: Command, io: Io): void {
  const keys = program.command('keys').description('keys that the control plane makes for its nodes');
  keys
    .command('rotate')
    .description('replace a key; what the key before it made stays good until the next time')
    .addArgument(
      keys
        .createArgument('<purpose>', 'session: affinity cookies, login: users of oidc')
        .choices(['session', 'login']),
    )
    .action(async (purpose: 'session' | 'login', _: unknown, command: Command) => {
      const { client } = await openSession(io, command);
      await client.rotateKeys(purpose);
      io.out(`keys/${purpose} rotated`);
    });
}
