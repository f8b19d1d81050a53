import { Command } from 'commander';
import { addApply } from './commands/apply.ts';
import { addGet } from './commands/get.ts';
import type { Io } from './io.ts';
import { version } from './version.ts';

/** The whole command line; every command adds itself. */
export function buildProgram(io: Io): Command {
  const program = new Command('gwctl')
    .description('Declares what the gateway does, and shows what it does.')
    .option('--server <url>', 'control plane (GWCTL_SERVER)')
    .option('--token <token>', 'bearer token (GWCTL_TOKEN)')
    .option('--context <name>', 'context of the context file (GWCTL_CONTEXT)')
    .option('-n, --namespace <name>', 'namespace of names that have none')
    .version(version, '-V, --version', 'version of this program')
    .helpOption('-h, --help', 'help')
    .helpCommand('help [command]', 'help for a command')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => io.out(text.trimEnd()),
      writeErr: (text) => io.err(text.trimEnd()),
      outputError: () => {},
    })
    .exitOverride();
  addGet(program, io);
  addApply(program, io);
  return program;
}
