import type { ApplyResult } from '@causeway/model/api-types';
import { kindNamed } from '@causeway/model/kinds/registry';
import type { Command } from 'commander';
import { comparable, maskedSecrets } from '../diff/comparable.ts';
import { hunksOf, wholeLines } from '../diff/hunks.ts';
import type { DiffLine } from '../diff/line-diff.ts';
import { exitCodes } from '../exit-codes.ts';
import { usage } from '../failure.ts';
import type { Io } from '../io.ts';
import type { ManifestDocument } from '../manifests/manifest-file.ts';
import { withManifestFlags } from '../manifests/manifest-flags.ts';
import { type ManifestFlags, readManifests } from '../manifests/read-manifests.ts';
import { refuseOtherNamespaces } from '../manifests/refuse-other-namespaces.ts';
import { identityOfKey, shownKey } from '../object-key.ts';
import { counted } from '../output/counted.ts';
import { printable } from '../output/printable.ts';
import { applyRefusal } from '../revision/apply-refusal.ts';
import { openSession, type Session } from '../session.ts';

const outcome = 'nothing was compared';

export function addDiff(program: Command, io: Io): void {
  const command = program.command('diff').description('what an apply of these files would change');
  withManifestFlags(command).action(async (flags: ManifestFlags, self: Command) =>
    runDiff(await openSession(io, self), flags),
  );
}

/** Exit code 0 when nothing differs, 1 when something does, above 1 for an error. */
async function runDiff(session: Session, flags: ManifestFlags): Promise<void> {
  const { io, namespace } = session;
  if (flags.filename.length === 0) throw usage('nothing to compare', 'name files: gwctl diff -f FILE');
  const documents = await readManifests(io, flags, outcome);
  if (session.namespaceIsAsked) refuseOtherNamespaces(documents, namespace, outcome);
  const { objects } = await planned(session, documents);
  const different = objects.filter(({ result }) => result !== 'unchanged');
  for (const object of different)
    io.out(await objectDiff(session, documents[object.document ?? -1]!, object));
  io.out(summary(different.length, objects.length - different.length));
  if (different.length > 0) io.exitCode = exitCodes.differs;
}

async function planned(session: Session, documents: readonly ManifestDocument[]): Promise<ApplyResult> {
  const { client, namespace } = session;
  try {
    const body = { documents: documents.map(({ value }) => value) };
    return await client.apply(body, { namespace, dryRun: true });
  } catch (error) {
    throw applyRefusal(error, documents, { namespace, outcome });
  }
}

async function objectDiff(
  session: Session,
  document: ManifestDocument,
  { resource, result }: ApplyResult['objects'][number],
): Promise<string> {
  const { client, namespace } = session;
  const identity = identityOfKey(resource);
  const kind = kindNamed(identity.kind)!;
  const stored =
    result === 'created'
      ? undefined
      : await client.get(kind, identity.name, { namespace: identity.namespace });
  const after = await maskedSecrets(client, kind, document.value, stored);
  const place =
    stored === undefined
      ? '(absent)'
      : `revision ${stored.metadata.resourceVersion}, generation ${stored.metadata.generation}`;
  const hunks =
    stored === undefined
      ? [{ pointer: 'whole object', lines: wholeLines(after, '+') }]
      : hunksOf(comparable(stored), after);
  return [
    `--- server  ${shownKey(resource, namespace)}  ${place}`,
    `+++ file    ${document.file}:${document.line}`,
    ...hunks.flatMap(({ pointer, lines }) => [`@@ ${pointer} @@`, ...lines.map(lineText)]),
  ]
    .map(printable)
    .join('\n');
}

function lineText({ sign, text }: DiffLine): string {
  return `${sign}${text}`;
}

function summary(different: number, same: number): string {
  if (different === 0) return `no differences in ${counted(same, 'object')}`;
  const others = same === 0 ? '' : `, ${same} ${same === 1 ? 'is' : 'are'} the same`;
  return `${counted(different, 'object')} ${different === 1 ? 'differs' : 'differ'}${others}`;
}
