/** The executable: finds the command, loads only what it needs, and hands over. */

import { closestName } from '@causeway/runtime/closest-name';
import { settingsExitCode } from '@causeway/runtime/settings';

import { version } from './version.ts';

/** What a command gets: the words after it, and the environment. */
type Run = (argv: readonly string[], env: Environment) => Promise<void>;
type Environment = Readonly<Record<string, string | undefined>>;

interface Command {
  readonly summary: string;
  readonly run: Run;
}

/** Each command loads its own packages: a node needs no store, and `version` needs nothing. */
const commands: Readonly<Record<string, Command>> = {
  'control-plane': {
    summary: 'Keeps the configuration, serves the admin API, and streams to the nodes.',
    run: async (argv, env) => {
      const { runControlPlane } = await import('@causeway/control-plane/main');
      await runControlPlane([...argv], env);
    },
  },
  'data-plane': {
    summary: 'Runs one node: proxies traffic as the control plane says.',
    run: async (argv, env) => {
      const { runDataPlane } = await import('@causeway/data-plane/main');
      await runDataPlane([...argv], env);
    },
  },
  up: {
    summary: 'Runs a control plane and one node on this machine; --demo adds upstreams to try.',
    run: async (argv, env) => {
      const { runUp } = await import('./up.ts');
      await runUp(argv, env);
    },
  },
  version: {
    summary: 'Prints the version.',
    run: async () => print(`causeway ${version} (Node ${process.versions.node})\n`),
  },
  help: {
    summary: 'Prints this; help COMMAND prints the settings of a command.',
    run: async ([command, ...rest], env) => {
      if (command === undefined) print(usage());
      else await main([command, '--help', ...rest], env);
    },
  },
};

const aliases = new Map([
  ['--help', 'help'],
  ['-h', 'help'],
  ['--version', 'version'],
]);

/** Runs the command of `argv`. A wrong one is told on stderr, and the exit code is that of wrong settings. */
export async function main(argv: readonly string[], env: Environment): Promise<void> {
  const [word, ...rest] = argv;
  const name = word === undefined ? undefined : (aliases.get(word) ?? word);
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command !== undefined) return command.run(rest, env);
  process.stderr.write(name === undefined ? usage() : unknownCommand(name));
  process.exitCode = settingsExitCode;
}

function unknownCommand(name: string): string {
  const near = closestName(name, Object.keys(commands));
  const hint = near === undefined ? `there are ${Object.keys(commands).join(', ')}` : `did you mean ${near}?`;
  return `causeway: unknown command "${name}" (${hint})\n`;
}

function usage(): string {
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(15)}${summary}`);
  return `Causeway ${version}, an API gateway.\n\nUsage: causeway COMMAND [settings]\n\n${lines.join('\n')}\n`;
}

function print(text: string): void {
  process.stdout.write(text);
}
