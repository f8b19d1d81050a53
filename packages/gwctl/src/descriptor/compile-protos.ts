/** A tree of .proto to a FileDescriptorSet, by the compiler of buf: without protoc and without a network. */

import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { Failure, usage } from '../failure.ts';
import { exitCodes } from '../exit-codes.ts';
import { counted } from '../output/counted.ts';
import { googleApiProtos } from './google-api-protos.ts';

const filesMax = 5000;
const bytesMax = 32 * 1024 * 1024;
const errorsShownMax = 50;
const compileTimeoutMs = 60_000;

/** `shown`: how its user calls the directory. Throws a `Failure` that names file, line and column of what is wrong. */
export async function compileProtos(directory: string, shown: string): Promise<Buffer> {
  const files = await readTree(directory, shown).catch((error: unknown) => {
    if (error instanceof Failure) throw error;
    throw usage(`${shown} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  });
  const copy = await mkdtemp(join(tmpdir(), 'gwctl-protos-'));
  try {
    const tree = join(copy, 'protos');
    for (const [path, content] of [...files, ...lackedFiles(files)]) {
      await mkdir(dirname(join(tree, path)), { recursive: true });
      await writeFile(join(tree, path), content);
    }
    return await runBuf(tree, copy, shown);
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

/** By path in the tree, with slashes. What is hidden, a link, or a folder of packages is no part of it. */
async function readTree(directory: string, shown: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  let bytes = 0;
  const folders = [directory];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
      if (entry.isDirectory()) folders.push(path);
      if (!entry.isFile() || !entry.name.endsWith('.proto')) continue;
      const content = await readFile(path, 'utf8');
      bytes += content.length;
      files.set(relative(directory, path).replaceAll(sep, '/'), content);
      if (files.size > filesMax) throw usage(`${shown} has more than ${filesMax} files`);
      if (bytes > bytesMax) throw usage(`${shown} has more than ${bytesMax} bytes of .proto`);
    }
  }
  if (files.size === 0) throw usage(`${shown} has no .proto files`, 'name the folder that imports begin at');
  return files;
}

/** Those of Google that are imported and not there; the compiler has those of protobuf. */
function lackedFiles(files: ReadonlyMap<string, string>): Map<string, string> {
  const lacked = new Map<string, string>();
  const look = (content: string): void => {
    for (const [, path = ''] of content.matchAll(/^\s*import\s+(?:public\s+|weak\s+)?["']([^"']+)["']/gm)) {
      const known = googleApiProtos[path];
      if (known === undefined || files.has(path) || lacked.has(path)) continue;
      lacked.set(path, known);
      look(known);
    }
  };
  for (const content of files.values()) look(content);
  return lacked;
}

/** `home` is all that it sees of its user. */
async function runBuf(tree: string, home: string, shown: string): Promise<Buffer> {
  const child = spawn(
    process.execPath,
    [bufPath(), 'build', '.', '--as-file-descriptor-set', '--exclude-source-info', '-o', '-'],
    {
      cwd: tree,
      env: { HOME: home, PATH: process.env['PATH'] },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: compileTimeoutMs,
    },
  );
  const closed = Promise.withResolvers<number | null>();
  child.once('error', closed.reject);
  child.once('close', closed.resolve);
  const [bytes, errors, code] = await Promise.all([buffer(child.stdout), text(child.stderr), closed.promise]);
  if (code === 0) return bytes;
  const lines = errors.split('\n').filter((line) => line.trim() !== '');
  const places = lines.filter((line) => /^[^:]+\.proto:\d+:\d+:/.test(line));
  if (places.length === 0)
    throw new Failure(`${shown} cannot be compiled: ${lines[0] ?? `the compiler ended with ${code}`}`);
  throw new Failure(`${counted(places.length, 'problem')} in ${shown}, nothing was pushed`, {
    above: places
      .slice(0, errorsShownMax)
      .map((line) => join(shown, line.replace(/^([^:]+:\d+:\d+:) */, '$1 '))),
    exitCode: exitCodes.invalid,
  });
}

function bufPath(): string {
  try {
    return createRequire(import.meta.url).resolve('@bufbuild/buf/bin/buf');
  } catch {
    throw new Failure('the compiler is not installed', {
      hint: 'npm install @bufbuild/buf brings it; or upload what protoc makes, see gwctl explain descriptorset',
    });
  }
}
