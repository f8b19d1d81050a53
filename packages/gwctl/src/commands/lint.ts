import type { Command } from 'commander';
import { defaultNamespace } from '@causeway/model/resource';
import type { GlobalFlags } from '../connection/resolve-connection.ts';
import { usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { withManifestFlags } from '../manifests/manifest-flags.ts';
import { problemsFailure } from '../manifests/problem-lines.ts';
import { type ManifestFlags, readManifests } from '../manifests/read-manifests.ts';
import { validateManifests } from '../manifests/validate-manifests.ts';
import { counted } from '../output/counted.ts';

export function addLint(program: Command, io: Io): void {
  const command = program.command('lint').description('check files here, without a control plane');
  withManifestFlags(command).action((flags: ManifestFlags, self: Command) => {
    const { namespace = defaultNamespace } = self.optsWithGlobals<GlobalFlags>();
    return runLint(io, flags, namespace);
  });
}

/** References are not looked at: what they lead to may be stored already. */
async function runLint(io: Io, flags: ManifestFlags, namespace: string): Promise<void> {
  if (flags.filename.length === 0) throw usage('nothing to check', 'name files: gwctl lint -f FILE');
  const documents = await readManifests(io, flags, 'nothing else was checked');
  const { problems } = validateManifests(documents, namespace);
  if (problems.length > 0)
    throw problemsFailure(problems, `${counted(documents.length, 'document')} checked`);
  io.out(`no problems in ${counted(documents.length, 'document')}`);
}
