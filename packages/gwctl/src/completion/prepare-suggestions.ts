/** Shell completion of what only the control plane, the context file or the disk know. */

import { readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { RootCommand } from '@bomb.sh/tab';
import type { AdminClient } from '@causeway/admin-client/client';
import type { Kind } from '@causeway/model/kinds/kind';
import { kindByWord, kinds } from '@causeway/model/kinds/registry';
import type { Command } from 'commander';
import { contextPlace, readContextFile } from '../connection/context-file.ts';
import { type GlobalFlags, resolveConnection } from '../connection/resolve-connection.ts';
import type { Io } from '../io.ts';

/** A shell waits for its user: after this there are no suggestions. */
const answerTimeoutMs = 900;
const namesMax = 500;
const entriesMax = 500;

interface Suggestions {
  root: RootCommand;
  program: Command;
  /** The words after `gwctl complete --`; the last one is being written. */
  words: readonly string[];
}

/**
 * Fills in the suggestions for what is being written. The library asks for them synchronously, so they are fetched before.
 * Never throws: a shell has no place for an error.
 */
export async function prepareSuggestions(io: Io, suggestions: Suggestions): Promise<void> {
  const { root, words } = suggestions;
  const current = words.at(-1) ?? '';
  const { flags, positionals } = split(suggestions);
  const [command = '', ...before] = positionals;
  const offer = (argument: string, values: readonly string[]): void => {
    const found = root.commands.get(argument.split('.')[0]!)?.arguments.get(argument.split('.')[1]!);
    if (found !== undefined) found.handler = (complete) => values.forEach((value) => complete(value, ''));
  };
  if (['get', 'describe', 'delete'].includes(command)) {
    const [kindWord] = before;
    offer(`${command}.kind`, await kindWords(io, flags, current));
    if (kindWord !== undefined) offer(`${command}.names`, await nameWords(io, flags, kindWord, current));
  }
  if (command === 'restart-workers' || command === 'drain')
    offer(`${command}.node`, await nameWords(io, flags, 'nodes', current));
  if (command === 'reset') offer('reset breaker.service', await nameWords(io, flags, 'services', current));
  if (command === 'consumer') {
    const [, verb = '', consumer] = before;
    offer(`consumer key ${verb}.consumer`, await nameWords(io, flags, 'consumers', current));
    if (consumer !== undefined) offer(`consumer key ${verb}.key`, await keyWords(io, flags, consumer));
  }
  if (command === 'descriptor') {
    offer('descriptor push.directory', fileWords(io, current));
    offer('descriptor refresh.descriptorset', await nameWords(io, flags, 'descriptorsets', current));
  }
  if (command === 'purge') offer('purge cache.route', await nameWords(io, flags, 'routes', current));
  offer(
    'explain.field',
    kinds.filter((kind) => kind.spec).map(({ kind }) => kind.toLowerCase()),
  );
  offer('config use-context.name', await contextNames(io));
  for (const found of root.commands.values()) {
    const option = found.options.get('filename');
    if (option !== undefined)
      option.handler = (complete) => fileWords(io, current).forEach((path) => complete(path, ''));
  }
}

/** Separates the words before the one being written: flags with their values, and the rest. */
function split({ program, words }: Suggestions): { flags: GlobalFlags; positionals: string[] } {
  const flags: Record<string, string> = {};
  const positionals: string[] = [];
  const before = words.slice(0, -1);
  const options = [program, ...program.commands].flatMap((command) => command.options);
  for (let index = 0; index < before.length; index++) {
    const [word, inline] = before[index]!.split('=', 2) as [string, string?];
    if (!word.startsWith('-')) {
      positionals.push(before[index]!);
      continue;
    }
    const option = options.find(({ short, long }) => short === word || long === word);
    if (option?.required !== true) continue;
    const value = inline ?? before[++index];
    if (value !== undefined) flags[option.attributeName()] = value;
  }
  return { flags, positionals };
}

/** Plurals; after a slash, names. */
async function kindWords(io: Io, flags: GlobalFlags, current: string): Promise<string[]> {
  const [word = '', name] = current.split('/', 2);
  if (name === undefined) return kinds.map(({ plural }) => plural);
  const kind = kindByWord(word);
  return kind === undefined ? [] : (await namesOf(io, flags, kind)).map((found) => `${word}/${found}`);
}

async function nameWords(io: Io, flags: GlobalFlags, kindWord: string, current: string): Promise<string[]> {
  if (kindWord.includes('/')) return kindWords(io, flags, current);
  const kind = kindByWord(kindWord);
  return kind === undefined ? [] : namesOf(io, flags, kind);
}

async function namesOf(io: Io, flags: GlobalFlags, kind: Kind): Promise<string[]> {
  if (!kind.verbs.includes('get')) return [];
  return asked(io, flags, async (client, namespace) => {
    const { items } = await client.list(kind, { namespace, limit: namesMax });
    return items.map(({ metadata }) => metadata.name);
  });
}

/** Keys that the control plane has made for a Consumer. */
function keyWords(io: Io, flags: GlobalFlags, consumer: string): Promise<string[]> {
  return asked(io, flags, async (client, namespace) => {
    const { status } = await client.get('consumers', consumer, { namespace });
    const made = (status?.keys ?? []).filter(({ source }) => source === 'server');
    return made.map(({ name }) => name);
  });
}

async function asked(
  io: Io,
  flags: GlobalFlags,
  ask: (client: AdminClient, namespace: string) => Promise<string[]>,
): Promise<string[]> {
  try {
    const { server, token, namespace } = await resolveConnection(io, flags);
    const { createAdminClient } = await import('@causeway/admin-client/client');
    return await ask(createAdminClient({ server, token, timeoutMs: answerTimeoutMs }), namespace);
  } catch {
    // Without a control plane there are no names to offer.
    return [];
  }
}

async function contextNames(io: Io): Promise<string[]> {
  try {
    const file = await readContextFile(contextPlace(io).path);
    return (file?.contexts ?? []).map(({ name }) => name);
  } catch {
    // A file that is no context file has no contexts.
    return [];
  }
}

function fileWords({ directory }: Io, current: string): string[] {
  const folder = current.endsWith('/') ? current : dirname(current);
  try {
    return readdirSync(resolve(directory, folder), { withFileTypes: true })
      .slice(0, entriesMax)
      .map((entry) => join(folder, entry.name) + (entry.isDirectory() ? '/' : ''));
  } catch {
    // A folder that cannot be read has no files to offer.
    return [];
  }
}
