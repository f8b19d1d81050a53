import { AdminApiError } from '@causeway/admin-client/errors';
import type { ApplyResult } from '@causeway/model/api-types';
import { fieldOf } from '@causeway/model/kinds/kind';
import { kindNamed } from '@causeway/model/kinds/registry';
import { type Identity, resourceKey } from '@causeway/model/resource';
import type { Command } from 'commander';
import { Failure, usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { withManifestFlags } from '../manifests/manifest-flags.ts';
import { type ManifestFlags, readManifests } from '../manifests/read-manifests.ts';
import { identityOfKey } from '../object-key.ts';
import { type Format, outputOption } from '../output/format.ts';
import { referenced } from '../revision/apply-refusal.ts';
import { reportApply } from '../revision/report-apply.ts';
import { waitForRevision } from '../revision/wait-for-revision.ts';
import { withWriteFlags, type WriteFlags } from '../revision/write-flags.ts';
import { openSession, type Session } from '../session.ts';
import { parseTargets } from '../targets.ts';

interface DeleteFlags extends ManifestFlags, WriteFlags {
  output: Format;
  ignoreNotFound?: boolean;
}

export function addDelete(program: Command, io: Io): void {
  const command = program
    .command('delete')
    .description('delete objects, all of them in one revision or none')
    .argument('[kind]', 'a kind, or KIND/NAME')
    .argument('[names...]', 'names of objects')
    .addOption(outputOption(['table', 'json', 'yaml', 'name']));
  withWriteFlags(withManifestFlags(command))
    .option('--ignore-not-found', 'what is not there is as good as deleted')
    .action(async (kind: string | undefined, names: string[], flags: DeleteFlags, self: Command) =>
      runDelete(await openSession(io, self), kind === undefined ? [] : [kind, ...names], flags),
    );
}

async function runDelete(session: Session, words: readonly string[], flags: DeleteFlags): Promise<void> {
  const identities = [...namedObjects(session, words), ...(await objectsInFiles(session, flags))];
  for (const { kind } of identities)
    if (kindNamed(kind)?.spec === undefined) throw usage(`a ${kind} cannot be deleted`);
  if (identities.length === 0)
    throw usage(
      'nothing to delete',
      'name objects: gwctl delete route orders, or files: gwctl delete -f FILE',
    );
  if (flags.dryRun === 'client') {
    throw usage('--dry-run=client cannot tell what would be deleted', 'say --dry-run=server');
  }
  const result = await removed(session, new Set(identities.map(resourceKey)), flags);
  reportApply(session, result, flags.output);
  if (flags.wait === true && !result.dryRun) await waitForRevision(session, result.revision, flags.timeout);
}

function namedObjects({ namespace }: Session, words: readonly string[]): Identity[] {
  if (words.length === 0) return [];
  const { kinds, objects } = parseTargets(words, namespace);
  const [kind] = kinds;
  if (kind !== undefined) throw usage(`which ${kind.plural}?`, `name them: gwctl delete ${words[0]} NAME...`);
  return objects.map(({ identity }) => identity);
}

async function objectsInFiles(session: Session, flags: DeleteFlags): Promise<Identity[]> {
  if (flags.filename.length === 0) return [];
  const documents = await readManifests(session.io, flags, 'nothing was deleted');
  return documents.map(({ file, line, value }) => {
    const metadata = fieldOf(value, 'metadata');
    const [name, written] = [fieldOf(metadata, 'name'), fieldOf(metadata, 'namespace')];
    const kind = kindNamed(String(fieldOf(value, 'kind')));
    if (kind === undefined || typeof name !== 'string')
      throw usage(`${file}:${line}: this document names no object`, 'it needs kind and metadata.name');
    const namespace = typeof written === 'string' ? written : session.namespace;
    return kind.namespaced ? { kind: kind.kind, namespace, name } : { kind: kind.kind, name };
  });
}

/** Deletes in one revision. With `--ignore-not-found` once more without what the server did not find. */
async function removed(
  session: Session,
  keys: ReadonlySet<string>,
  flags: DeleteFlags,
): Promise<ApplyResult> {
  const { client, namespace } = session;
  const { message, force } = flags;
  try {
    const dryRun = flags.dryRun === 'server';
    return await client.apply({ documents: [], remove: [...keys] }, { message, force, dryRun });
  } catch (error) {
    if (!(error instanceof AdminApiError)) throw error;
    const { code, errors } = error.problem;
    if (code === 'referenced') throw referenced(errors, namespace);
    if (code !== 'not_found') throw error;
    const missing = errors.map(({ resource = '' }) => resource);
    if (flags.ignoreNotFound !== true) throw notFound(missing);
    return removed(session, keys.difference(new Set(missing)), flags);
  }
}

function notFound(missing: readonly string[]): Failure {
  const lines = missing.map((key) => {
    const { kind, name } = identityOfKey(key);
    return `${kind.toLowerCase()} ${JSON.stringify(name)} not found`;
  });
  return new Failure(`${lines.join(', ')}; nothing was deleted`);
}
