import { identityOf } from '@causeway/model/resource';
import type { Command } from 'commander';
import { usage } from '../failure.ts';
import type { Io } from '../io.ts';
import type { ManifestDocument } from '../manifests/manifest-file.ts';
import { type ManifestFlags, readManifests } from '../manifests/read-manifests.ts';
import { withManifestFlags } from '../manifests/manifest-flags.ts';
import { problemsFailure } from '../manifests/problem-lines.ts';
import { refuseOtherNamespaces } from '../manifests/refuse-other-namespaces.ts';
import { validateManifests } from '../manifests/validate-manifests.ts';
import { shownIdentity } from '../object-key.ts';
import { type Format, outputOption } from '../output/format.ts';
import { applyRefusal } from '../revision/apply-refusal.ts';
import { confirmPrune } from '../revision/confirm-prune.ts';
import { reportApply } from '../revision/report-apply.ts';
import { waitForRevision } from '../revision/wait-for-revision.ts';
import { withWriteFlags, type WriteFlags } from '../revision/write-flags.ts';
import { openSession, type Session } from '../session.ts';

interface ApplyFlags extends ManifestFlags, WriteFlags {
  output: Format;
  prune?: boolean;
  selector?: string;
  yes?: boolean;
}

const outcome = 'nothing was applied';

export function addApply(program: Command, io: Io): void {
  const command = program
    .command('apply')
    .description('create or change all objects in files, in one revision')
    .addOption(outputOption(['table', 'json', 'yaml', 'name']));
  withWriteFlags(withManifestFlags(command))
    .option('--prune', 'delete what -l selects and no file names')
    .option('-l, --selector <selector>', 'with --prune: labels of all that belongs to these files')
    .option('--yes', 'with --prune: delete without asking')
    .action(async (flags: ApplyFlags, self: Command) => runApply(await openSession(io, self), flags));
}

async function runApply(session: Session, flags: ApplyFlags): Promise<void> {
  const { io, client, namespace } = session;
  if (flags.filename.length === 0) throw usage('nothing to apply', 'name files: gwctl apply -f FILE');
  if (flags.prune === true && flags.selector === undefined)
    throw usage('--prune needs -l', 'the selector says what belongs to these files');
  const documents = await readManifests(io, flags, outcome);
  if (session.namespaceIsAsked) refuseOtherNamespaces(documents, namespace, outcome);
  if (flags.dryRun === 'client') return checkHere(session, documents);
  const body = { documents: documents.map(({ value }) => value) };
  const dryRun = flags.dryRun === 'server';
  const { message, force, prune, selector: labelSelector } = flags;
  const options = { namespace, force, prune, labelSelector: prune === true ? labelSelector : undefined };
  try {
    if (prune === true && !dryRun && flags.yes !== true) await confirmPrune(session, body, options);
    const result = await client.apply(body, { ...options, message, dryRun });
    reportApply(session, result, flags.output);
    if (flags.wait === true && !dryRun) await waitForRevision(session, result.revision, flags.timeout);
  } catch (error) {
    throw applyRefusal(error, documents, { namespace, outcome });
  }
}

/** `--dry-run=client`: the schemas of this program's version; references and what is stored are not looked at. */
function checkHere({ io, namespace }: Session, documents: readonly ManifestDocument[]): void {
  const { manifests, problems } = validateManifests(documents, namespace);
  if (problems.length > 0) throw problemsFailure(problems, outcome);
  for (const manifest of manifests)
    io.out(`${shownIdentity(identityOf(manifest), namespace)} checked (client dry run)`);
}
