import { Command } from 'commander';
import { addApiResources } from './commands/api-resources.ts';
import { addApply } from './commands/apply.ts';
import { addConfig } from './commands/config.ts';
import { addConsumer } from './commands/consumer.ts';
import { addDelete } from './commands/delete.ts';
import { addDescribe } from './commands/describe.ts';
import { addDescriptor } from './commands/descriptor.ts';
import { addDiff } from './commands/diff.ts';
import { addDrain } from './commands/drain.ts';
import { addExplain } from './commands/explain.ts';
import { addGet } from './commands/get.ts';
import { addKeys } from './commands/keys.ts';
import { addLint } from './commands/lint.ts';
import { addPurge } from './commands/purge.ts';
import { addReset } from './commands/reset.ts';
import { addRestartWorkers } from './commands/restart-workers.ts';
import { addRouteExplain } from './commands/route-explain.ts';
import { addVersion } from './commands/version.ts';
import type { Io } from './io.ts';
import { version } from './version.ts';

/** The whole command line but for completion; every command adds itself. */
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
      // What a command line lacks is told like any other failure, when it has been thrown.
      outputError: () => {},
    })
    .exitOverride();
  for (const add of commands) add(program, io);
  return program;
}

/** In the order of the help. */
const commands = [
  addGet,
  addDescribe,
  addApply,
  addDiff,
  addDelete,
  addRouteExplain,
  addDrain,
  addRestartWorkers,
  addReset,
  addConsumer,
  addDescriptor,
  addPurge,
  addKeys,
  addLint,
  addExplain,
  addApiResources,
  addConfig,
  addVersion,
];
