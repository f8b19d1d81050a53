import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { getSystemErrorMessage } from 'node:util';
import { applyBytesMax } from '@causeway/model/rest';
import { usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { type ManifestDocument, parseManifestFile } from './manifest-file.ts';
import { problemsFailure } from './problem-lines.ts';

export interface ManifestFlags {
  /** FILE, DIR or `-`. */
  filename: readonly string[];
  recursive?: boolean;
}

/** Files of one command. */
const filesMax = 10_000;
const manifestEnding = /\.(ya?ml|json)$/;

/**
 * Reads and parses all files, in the order given and by name within a directory. Throws with all problems, with their
 * places, when one is not YAML. `outcome` is the end of that sentence, such as `nothing was applied`.
 */
export async function readManifests(
  io: Io,
  flags: ManifestFlags,
  outcome: string,
): Promise<ManifestDocument[]> {
  const paths: string[] = [];
  for (const path of flags.filename) paths.push(...(await filesAt(io, path, flags.recursive === true)));
  if (paths.length > filesMax) throw usage(`${paths.length} files, at most ${filesMax}`);
  const parsed = [];
  for (const path of paths) {
    const [file, text] =
      path === '-' ? ['stdin', await readStdin(io.stdin)] : [path, await readText(io, path)];
    parsed.push(parseManifestFile(file, text));
  }
  const problems = parsed.flatMap((file) => file.problems);
  if (problems.length > 0) throw problemsFailure(problems, outcome);
  const documents = parsed.flatMap((file) => file.documents);
  if (documents.length === 0) throw usage(`no documents in ${flags.filename.join(', ')}`);
  return documents;
}

async function filesAt(io: Io, path: string, recursive: boolean): Promise<string[]> {
  if (path === '-') return ['-'];
  if (/^https?:\/\//.test(path))
    throw usage(`-f takes no URL: ${path}`, 'fetch it first: curl -fsS URL | gwctl apply -f -');
  const absolute = resolve(io.directory, path);
  const entry = await stat(absolute).catch((error: NodeJS.ErrnoException) => {
    throw usage(`cannot read ${path}: ${getSystemErrorMessage(error.errno ?? 0)}`);
  });
  if (!entry.isDirectory()) return [path];
  const names = (await readdir(absolute, { recursive })).filter((name) => manifestEnding.test(name));
  if (names.length === 0)
    throw usage(
      `no *.yaml, *.yml or *.json in ${path}`,
      recursive ? undefined : 'for directories below it say -R',
    );
  return names.toSorted().map((name) => join(path, name));
}

async function readText(io: Io, path: string): Promise<string> {
  const absolute = resolve(io.directory, path);
  const { size } = await stat(absolute);
  if (size > applyBytesMax) throw tooLarge(path);
  return readFile(absolute, 'utf8');
}

async function readStdin(stdin: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > applyBytesMax) throw tooLarge('stdin');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function tooLarge(file: string): Error {
  return usage(
    `${file} is larger than ${applyBytesMax / 1024 / 1024}MiB, the most that can be applied at once`,
  );
}
