import { readFile } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import { didYouMean } from '@causeway/model/hints';
import { defaultNamespace } from '@causeway/model/resource';
import { usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { type Context, type ContextFile, contextPlace, readContextFile } from './context-file.ts';

/** Flags of every command. */
export interface GlobalFlags {
  server?: string;
  token?: string;
  context?: string;
  namespace?: string;
}

export interface Connection {
  server: string;
  token: string | undefined;
  context: string | undefined;
  /** Of commands that name none. */
  namespace: string;
  /** `namespace` was given as a flag. */
  namespaceIsAsked: boolean;
}

/**
 * Who is called, and as whom: flags before environment before the context file. A context's token goes to that
 * context's server alone, so that `--server` cannot be used to get hold of it.
 */
export async function resolveConnection(
  io: Pick<Io, 'env' | 'directory'>,
  flags: GlobalFlags,
): Promise<Connection> {
  const { env } = io;
  const place = contextPlace(io);
  const file = await readContextFile(place.path);
  if (file === undefined && env['GWCTL_CONFIG']) throw usage(`there is no context file ${place.path}`);
  const context = currentContext(file, place.path, flags.context ?? presence(env['GWCTL_CONTEXT']));
  const server = flags.server ?? presence(env['GWCTL_SERVER']) ?? context?.server;
  if (server === undefined) {
    throw usage(
      `no control plane is known: there is no context in ${place.path}`,
      'start one (npm start), or name one: gwctl config set-context NAME --server URL --token-file FILE',
    );
  }
  if (!/^https?:\/\//.test(server) || !URL.canParse(server))
    throw usage(
      `${JSON.stringify(server)} is not the URL of a server`,
      'write http://HOST:PORT or https://HOST:PORT',
    );
  const isContexts = context !== undefined && origin(server) === origin(context.server);
  const token =
    flags.token ?? presence(env['GWCTL_TOKEN']) ?? (isContexts ? await tokenOf(context, place) : undefined);
  if (token !== undefined && !/^[!-~]{1,4096}$/.test(token))
    throw usage('the token is not one line of printable characters');
  return {
    server,
    token,
    context: isContexts ? context.name : undefined,
    namespace: flags.namespace ?? context?.namespace ?? defaultNamespace,
    namespaceIsAsked: flags.namespace !== undefined,
  };
}

function currentContext(
  file: ContextFile | undefined,
  path: string,
  asked: string | undefined,
): Context | undefined {
  const name = asked ?? file?.currentContext;
  if (name === undefined) return undefined;
  const context = file?.contexts.find((candidate) => candidate.name === name);
  if (context === undefined) throw noSuchContext(name, file, path);
  return context;
}

export function noSuchContext(name: string, file: ContextFile | undefined, path: string): Error {
  const names = (file?.contexts ?? []).map((context) => context.name);
  const near = didYouMean(name, names);
  return usage(
    `no context ${JSON.stringify(name)} in ${path}${near === undefined ? '' : ` (${near})`}`,
    names.length === 0 ? undefined : `contexts: ${names.join(', ')}`,
  );
}

async function tokenOf(
  context: Context,
  place: { path: string; found: boolean },
): Promise<string | undefined> {
  if (context.token !== undefined || context.tokenFile === undefined) return context.token;
  const folder = dirname(place.path);
  const path = resolve(folder, context.tokenFile);
  // A directory that somebody else has made must not be able to send another file of ours to its server.
  if (place.found && !path.startsWith(folder + sep))
    throw usage(`${place.path} names a token file outside of its directory`, 'use GWCTL_CONFIG to trust it');
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    throw usage(`cannot read the token of context ${context.name}: ${(error as Error).message}`);
  }
}

/** An empty variable is as good as none. */
function presence(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

function origin(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url;
}
