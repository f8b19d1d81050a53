import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { usage } from '../failure.ts';
import type { Io } from '../io.ts';

export interface Context {
  name: string;
  server: string;
  token?: string;
  /** Relative to the file that names it. */
  tokenFile?: string;
  namespace?: string;
}

export interface ContextFile {
  currentContext?: string;
  contexts: Context[];
}

/** Where contexts are kept. `found`: it came with a directory, so what it names is not trusted beyond that directory. */
export interface ContextPlace {
  path: string;
  found: boolean;
}

/** The file that GWCTL_CONFIG names; else the nearest `.causeway/gwctl.yaml` here or above; else the one in the home directory. */
export function contextPlace({ env, directory }: Pick<Io, 'env' | 'directory'>): ContextPlace {
  const named = env['GWCTL_CONFIG'];
  if (named) return { path: resolve(directory, named), found: false };
  for (let folder = directory; ; folder = dirname(folder)) {
    const path = join(folder, '.causeway', 'gwctl.yaml');
    if (existsSync(path)) return { path, found: true };
    if (folder === dirname(folder)) break;
  }
  return { path: join(env['HOME'] ?? directory, '.config', 'gwctl', 'config.yaml'), found: false };
}

/** Undefined when there is no such file. Throws for one that is no context file. */
export async function readContextFile(path: string): Promise<ContextFile | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw usage(`cannot read the context file ${path}: ${(error as Error).message}`);
  }
  return checked(parsed(text, path), path);
}

/** Replaces the file in one step, readable by its owner only: it may hold tokens. */
export async function writeContextFile(path: string, file: ContextFile): Promise<void> {
  const next = `${path}.${process.pid}.new`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    await writeFile(next, stringify(file), { mode: 0o600 });
    await rename(next, path);
  } catch (error) {
    await rm(next, { force: true });
    throw usage(`cannot write the context file ${path}: ${(error as Error).message}`);
  }
}

function parsed(text: string, path: string): unknown {
  try {
    return parse(text) ?? {};
  } catch (error) {
    throw usage(`the context file ${path} is not YAML: ${(error as Error).message.split('\n')[0]}`);
  }
}

const contextFields = ['name', 'server', 'token', 'tokenFile', 'namespace'] as const;

function checked(value: unknown, path: string): ContextFile {
  const wrong = (what: string): Error => usage(`the context file ${path} ${what}`);
  const { currentContext, contexts = [] } = value as { currentContext?: unknown; contexts?: unknown };
  if (currentContext !== undefined && typeof currentContext !== 'string')
    throw wrong('has a currentContext that is no name');
  if (!Array.isArray(contexts)) throw wrong('has no list of contexts');
  const read = contexts.map((entry: unknown, index): Context => {
    const fields = (entry ?? {}) as Record<string, unknown>;
    for (const field of contextFields) {
      if (fields[field] === undefined && field !== 'name' && field !== 'server') continue;
      if (typeof fields[field] !== 'string')
        throw wrong(`has a context without a ${field} (contexts, entry ${index + 1})`);
    }
    return fields as unknown as Context;
  });
  return { ...(currentContext === undefined ? {} : { currentContext }), contexts: read };
}
