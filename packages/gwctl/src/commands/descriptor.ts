import { basename, resolve } from 'node:path';
import { namePattern } from '@causeway/model/fields';
import { apiVersion } from '@causeway/model/resource';
import type { Command } from 'commander';
import { compileProtos } from '../descriptor/compile-protos.ts';
import { usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { shortBytes } from '../output/short-bytes.ts';
import { reportApply } from '../revision/report-apply.ts';
import { waitForRevision } from '../revision/wait-for-revision.ts';
import { withWriteFlags, type WriteFlags } from '../revision/write-flags.ts';
import { openSession, type Session } from '../session.ts';

interface PushFlags extends WriteFlags {
  name?: string;
}

export function addDescriptor(program: Command, io: Io): void {
  const descriptor = program.command('descriptor').description('descriptors of protobuf');
  const push = descriptor
    .command('push')
    .description('compile the .proto files of a folder, and apply them as a DescriptorSet')
    .argument('<directory>', 'folder that imports begin at')
    .option('--name <name>', 'of the DescriptorSet (default: that of the folder)');
  withWriteFlags(push)
    .addHelpText('after', '\nExample:\n  gwctl descriptor push protos --name bookstore --wait')
    .action(async (directory: string, flags: PushFlags, self: Command) =>
      runPush(await openSession(io, self), directory, flags),
    );
}

async function runPush(session: Session, directory: string, flags: PushFlags): Promise<void> {
  const { io, client, namespace } = session;
  const path = resolve(io.directory, directory);
  const name = flags.name ?? basename(path);
  if (!namePattern.test(name))
    throw usage(`${JSON.stringify(name)} is no name of a DescriptorSet`, 'choose one with --name');
  const bytes = await compileProtos(path, directory);
  if (flags.dryRun === 'client') {
    io.out(`descriptorset/${name} compiled: ${shortBytes(bytes.byteLength)} (client dry run)`);
    return;
  }
  const { message, force } = flags;
  const dryRun = flags.dryRun === 'server';
  const document = {
    apiVersion,
    kind: 'DescriptorSet',
    metadata: { ...(await ownMetadata(session, name)), name },
    spec: { data: bytes.toString('base64') },
  };
  const result = await client.apply({ documents: [document] }, { namespace, message, force, dryRun });
  reportApply(session, result, 'table');
  if (flags.wait === true && !dryRun) await waitForRevision(session, result.revision, flags.timeout);
}

/** What its users have written on the one that is there. */
async function ownMetadata({ client, namespace }: Session, name: string): Promise<object> {
  const { items } = await client.list('descriptorsets', {
    namespace,
    fieldSelector: `metadata.name=${name}`,
  });
  const { labels, annotations } = items[0]?.metadata ?? {};
  return { ...(labels && { labels }), ...(annotations && { annotations }) };
}
