import { basename, resolve } from 'node:path';
import { namePattern } from '@causeway/model/fields';
import { apiVersion } from '@causeway/model/resource';
import type { Command } from 'commander';
import { compileProtos } from '../descriptor/compile-protos.ts';
import { Failure, usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { counted } from '../output/counted.ts';
import { printable } from '../output/printable.ts';
import { shortBytes } from '../output/short-bytes.ts';
import { reportApply } from '../revision/report-apply.ts';
import { waitForRevision } from '../revision/wait-for-revision.ts';
import { type WaitFlags, withWaitFlags, withWriteFlags, type WriteFlags } from '../revision/write-flags.ts';
import { openSession, type Session } from '../session.ts';
import { parseTarget } from '../targets.ts';

const timeoutMsDefault = 30_000;

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
  addRefresh(descriptor, io);
  withWriteFlags(push)
    .addHelpText('after', '\nExample:\n  gwctl descriptor push protos --name bookstore --wait')
    .action(async (directory: string, flags: PushFlags, self: Command) =>
      runPush(await openSession(io, self), directory, flags),
    );
}

interface RefreshFlags extends WaitFlags {
  message?: string;
  yes?: boolean;
}

function addRefresh(descriptor: Command, io: Io): void {
  const refresh = descriptor
    .command('refresh')
    .description('read a DescriptorSet from its Service anew: shows what changes, and asks')
    .argument('<descriptorset>', 'name of the DescriptorSet')
    .option('--yes', 'take it without asking')
    .option('-m, --message <text>', 'why, recorded with the revision');
  withWaitFlags(refresh, 'until every connected node has it', timeoutMsDefault)
    .addHelpText('after', '\nExample:\n  gwctl descriptor refresh bookstore')
    .action(async (written: string, flags: RefreshFlags, self: Command) =>
      runRefresh(await openSession(io, self), written, flags),
    );
}

async function runRefresh(session: Session, written: string, flags: RefreshFlags): Promise<void> {
  const { io, client } = session;
  const { namespace = session.namespace, name } = parseTarget(written, 'DescriptorSet', session.namespace);
  const { changed, changes, digest } = await client.refreshDescriptors(namespace, name, { dryRun: true });
  if (!changed) {
    io.out(`descriptorset/${name} is as its Service tells it: ${digest}`);
    return;
  }
  for (const { breaking, subject, change } of changes)
    io.out(printable(`${breaking ? 'breaking  ' : 'added     '}${subject}: ${change}`));
  const breaking = changes.filter((each) => each.breaking).length;
  const sum = `${counted(breaking, 'breaking change')}, ${counted(changes.length - breaking, 'addition')}`;
  if (flags.yes !== true) await confirmRefresh(session, name, sum);
  const { message } = flags;
  const { revision } = await client.refreshDescriptors(namespace, name, { digest, message });
  io.out(`descriptorset/${name} refreshed: ${sum}`);
  if (revision === undefined) return;
  io.out(`revision ${revision} committed: 1 object`);
  if (flags.wait === true) await waitForRevision(session, revision, flags.timeout);
}

/** Where nobody can be asked, `--yes` is needed. */
async function confirmRefresh({ io }: Session, name: string, sum: string): Promise<void> {
  if (!io.canAsk) throw usage(`this changes descriptorset/${name}: ${sum}`, 'if that is meant, say --yes');
  const { confirm } = await import('@clack/prompts');
  const message = `Change descriptorset/${name} (${sum})?`;
  const answer = await confirm({ message, initialValue: false, output: process.stderr });
  if (answer !== true) throw new Failure('nothing was changed');
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
