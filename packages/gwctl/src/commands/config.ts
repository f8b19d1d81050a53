import type { Command } from 'commander';
import { hiddenSecret } from '@causeway/model/resource';
import {
  type Context,
  type ContextFile,
  contextPlace,
  readContextFile,
  writeContextFile,
} from '../connection/context-file.ts';
import { type GlobalFlags, noSuchContext } from '../connection/resolve-connection.ts';
import { Failure, usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { renderDocument } from '../output/documents.ts';
import { renderTable } from '../output/table.ts';

interface SetContextFlags extends GlobalFlags {
  tokenFile?: string;
  current?: boolean;
}

export function addConfig(program: Command, io: Io): void {
  const config = program
    .command('config')
    .description('show and change contexts: which control plane, as whom');
  config
    .command('get-contexts')
    .description('list contexts')
    .option('--no-headers', 'without the first line')
    .action(async (flags: { headers: boolean }) => getContexts(io, flags.headers));
  config
    .command('current-context')
    .description('print the name of the current context')
    .action(async () => currentContext(io));
  config
    .command('use-context')
    .description('make a context the current one')
    .argument('<name>', 'name of a context')
    .action(async (name: string) => useContext(io, name));
  config
    .command('set-context')
    .description('make or change a context, with --server, --token, --token-file and -n')
    .argument('[name]', 'name of the context')
    .option('--current', 'change the current context')
    .option('--token-file <file>', 'file that holds the token, relative to the context file')
    .action(async (name: string | undefined, _: unknown, command: Command) =>
      setContext(io, name, command.optsWithGlobals<SetContextFlags>()),
    );
  config
    .command('view')
    .description('print the context file, tokens hidden')
    .action(async () => view(io));
}

async function getContexts(io: Io, headers: boolean): Promise<void> {
  const { contexts = [], currentContext: current } = (await readContextFile(contextPlace(io).path)) ?? {};
  if (contexts.length === 0) return io.err('No contexts found.');
  const rows = contexts.map(({ name, server, namespace = '' }) => [
    name === current ? '*' : '',
    name,
    server,
    namespace,
  ]);
  return io.out(renderTable(['CURRENT', 'NAME', 'SERVER', 'NAMESPACE'], rows, { headers }));
}

async function currentContext(io: Io): Promise<void> {
  const { path } = contextPlace(io);
  const file = await readContextFile(path);
  if (file?.currentContext === undefined) throw new Failure(`there is no current context in ${path}`);
  io.out(file.currentContext);
}

async function useContext(io: Io, name: string): Promise<void> {
  const { path } = contextPlace(io);
  const file = await readContextFile(path);
  if (!file?.contexts.some((context) => context.name === name)) throw noSuchContext(name, file, path);
  await writeContextFile(path, { ...file, currentContext: name });
  io.out(`context ${JSON.stringify(name)} is the current one now`);
}

async function setContext(io: Io, named: string | undefined, flags: SetContextFlags): Promise<void> {
  const { path } = contextPlace(io);
  const file: ContextFile = (await readContextFile(path)) ?? { contexts: [] };
  const name = flags.current === true ? file.currentContext : named;
  if (name === undefined || (flags.current === true && named !== undefined))
    throw usage('which context?', 'name one: gwctl config set-context NAME, or say --current');
  const before = file.contexts.find((context) => context.name === name);
  const server = flags.server ?? before?.server;
  if (server === undefined) throw usage(`context ${JSON.stringify(name)} is new and needs --server`);
  const context: Context = { name, server, ...withoutOtherToken(before, flags), ...changes(flags) };
  const others = file.contexts.filter((candidate) => candidate !== before);
  await writeContextFile(path, {
    currentContext: file.currentContext ?? name,
    contexts: [...others, context].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  });
  io.out(`context ${JSON.stringify(name)} ${before === undefined ? 'created' : 'changed'} in ${path}`);
}

/** A new token takes the place of the old one, whichever way each is given. */
function withoutOtherToken(before: Context | undefined, flags: SetContextFlags): Partial<Context> {
  if (flags.token === undefined && flags.tokenFile === undefined) return before ?? {};
  const { token: _, tokenFile: __, ...rest } = before ?? ({} as Partial<Context>);
  return rest;
}

function changes({ server, token, tokenFile, namespace }: SetContextFlags): Partial<Context> {
  return {
    ...(server === undefined ? {} : { server }),
    ...(token === undefined ? {} : { token }),
    ...(tokenFile === undefined ? {} : { tokenFile }),
    ...(namespace === undefined ? {} : { namespace }),
  };
}

async function view(io: Io): Promise<void> {
  const { path } = contextPlace(io);
  const file = await readContextFile(path);
  if (file === undefined) throw new Failure(`there is no context file ${path}`);
  const contexts = file.contexts.map((context) =>
    context.token === undefined ? context : { ...context, token: hiddenSecret },
  );
  io.out(renderDocument({ ...file, contexts }, 'yaml'));
}
