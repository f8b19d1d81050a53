/** Keys of Consumers that the control plane makes. A key is all that stdout gets of the commands that make one. */

import type { WrittenKey } from '@causeway/admin-client/client';
import { duration, timestamp } from '@causeway/model/fields';
import { parseDurationMs } from '@causeway/model/quantity';
import type { KeyStatus } from '@causeway/model/server-keys';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { age, timeLeft } from '../output/age.ts';
import { lastUsedText } from '../output/columns/consumer.ts';
import { renderDocument } from '../output/documents.ts';
import { type Format, outputOption } from '../output/format.ts';
import { renderTable } from '../output/table.ts';
import { waitForRevision } from '../revision/wait-for-revision.ts';
import { type WaitFlags, withWaitFlags } from '../revision/write-flags.ts';
import { openSession, type Session } from '../session.ts';
import { parseTargets } from '../targets.ts';

interface WriteKeyFlags extends WaitFlags {
  message?: string;
}

interface NewKeyFlags extends WriteKeyFlags {
  /** Milliseconds. */
  ttl?: number;
  expires?: string;
}

const timeoutMsDefault = 30_000;

export function addConsumer(program: Command, io: Io): void {
  const key = program
    .command('consumer')
    .description('what stands for a Consumer')
    .command('key')
    .description('API keys that the control plane makes; each is shown once');
  addCreate(key, io);
  addRotate(key, io);
  addRevoke(key, io);
  addList(key, io);
}

function addCreate(key: Command, io: Io): void {
  const command = key
    .command('create')
    .description('make a key for a Consumer')
    .argument('<consumer>', 'name of the Consumer')
    .option('--name <name>', 'tells the keys of the Consumer apart (default: one is made up)');
  withNewKeyFlags(command)
    .addHelpText('after', '\nExample:\n  KEY=$(gwctl consumer key create acme --name ci-2027 --ttl 365d)')
    .action(async (written: string, flags: NewKeyFlags & { name?: string }, self: Command) => {
      const session = await openSession(io, self);
      const consumer = consumerNamed(session, written);
      const expiresAt = expiryOf(flags, io);
      const made = await session.client.createConsumerKey(
        consumer,
        { name: flags.name, expiresAt },
        flags.message,
      );
      await tellKey(session, made, `key ${made.name} of consumer/${consumer.consumer} created`, flags);
    });
}

function addRotate(key: Command, io: Io): void {
  const command = key
    .command('rotate')
    .description('make a key that takes the place of another, which stays good for the overlap')
    .argument('<consumer>', 'name of the Consumer')
    .argument('<key>', 'name of the key')
    .option('--overlap <duration>', 'for how long the key before stays good (default: 24h)', overlapArgument);
  withNewKeyFlags(command)
    .addHelpText('after', '\nExample:\n  gwctl consumer key rotate acme ci-2027 --overlap 7d')
    .action(
      async (written: string, name: string, flags: NewKeyFlags & { overlap?: string }, self: Command) => {
        const session = await openSession(io, self);
        const consumer = consumerNamed(session, written);
        const made = await session.client.rotateConsumerKey(
          consumer,
          name,
          { overlap: flags.overlap, expiresAt: expiryOf(flags, io) },
          flags.message,
        );
        await tellKey(session, made, `key ${name} of consumer/${consumer.consumer} replaced`, flags);
      },
    );
}

function addRevoke(key: Command, io: Io): void {
  const command = key
    .command('revoke')
    .description('have a key be refused from now on, and those that it took the place of')
    .argument('<consumer>', 'name of the Consumer')
    .argument('<key>', 'name of the key')
    .option('-m, --message <text>', 'why, recorded with the revision');
  withWaitFlags(command, 'until every connected node refuses it', timeoutMsDefault)
    .addHelpText('after', '\nExample:\n  gwctl consumer key revoke acme ci-2027 --wait')
    .action(async (written: string, name: string, flags: WriteKeyFlags, self: Command) => {
      const session = await openSession(io, self);
      const consumer = consumerNamed(session, written);
      const revision = await session.client.revokeConsumerKey(consumer, name, flags.message);
      io.out(`key ${name} of consumer/${consumer.consumer} revoked`);
      io.out(`revision ${revision} committed: 1 object`);
      if (flags.wait === true) await waitForRevision(session, revision, flags.timeout);
    });
}

function addList(key: Command, io: Io): void {
  key
    .command('list')
    .description('the keys of a Consumer, without their texts')
    .argument('<consumer>', 'name of the Consumer')
    .addOption(outputOption(['table', 'json', 'yaml']))
    .addHelpText('after', '\nExample:\n  gwctl consumer key list acme')
    .action(async (written: string, flags: { output: Format }, self: Command) => {
      const session = await openSession(io, self);
      const { namespace, consumer } = consumerNamed(session, written);
      const { status } = await session.client.get('consumers', consumer, { namespace });
      const keys = status?.keys ?? [];
      if (flags.output === 'json' || flags.output === 'yaml') io.out(renderDocument(keys, flags.output));
      else if (keys.length === 0) io.err(`consumer/${consumer} has no keys`);
      else
        io.out(
          renderTable(
            ['NAME', 'SOURCE', 'PREFIX', 'EXPIRES', 'LAST-USED', 'AGE'],
            keys.map((each) => keyRow(each, io.nowMs())),
            { colours: io.colours },
          ),
        );
    });
}

function keyRow(key: KeyStatus, nowMs: number): string[] {
  const { name, source, prefix, expiresAt, createdAt } = key;
  return [
    name,
    source,
    prefix ?? '-',
    expiresAt === undefined ? 'never' : timeLeft(expiresAt, nowMs),
    lastUsedText([key], nowMs),
    createdAt === undefined ? '-' : age(createdAt, nowMs),
  ];
}

function withNewKeyFlags(command: Command): Command {
  command
    .addOption(
      new Option('--ttl <duration>', 'for how long it is good').argParser(ttlArgument).conflicts('expires'),
    )
    .option('--expires <time>', 'until when it is good, such as 2027-03-01T12:00:00Z', timeArgument)
    .option('-m, --message <text>', 'why, recorded with the revision');
  return withWaitFlags(command, 'until every connected node knows it', timeoutMsDefault);
}

function ttlArgument(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined || ms === 0) throw new InvalidArgumentError('Write a duration such as 90d.');
  return ms;
}

function overlapArgument(text: string): string {
  if (!duration.safeParse(text).success)
    throw new InvalidArgumentError('Write a duration such as 24h, at most 24d.');
  return text;
}

function timeArgument(text: string): string {
  if (!timestamp.safeParse(text).success)
    throw new InvalidArgumentError('Write a time such as 2027-03-01T12:00:00Z.');
  return text;
}

function expiryOf({ ttl, expires }: NewKeyFlags, io: Io): string | undefined {
  if (expires !== undefined && Date.parse(expires) <= io.nowMs()) throw usage(`--expires ${expires} is over`);
  return ttl === undefined ? expires : new Date(io.nowMs() + ttl).toISOString();
}

function consumerNamed({ namespace }: Session, written: string): { namespace: string; consumer: string } {
  const { objects } = parseTargets(written.includes('/') ? [written] : ['consumer', written], namespace);
  const [target] = objects;
  if (target?.kind.kind !== 'Consumer') throw usage(`${written} is no Consumer`);
  const { identity } = target;
  return { namespace: identity.namespace ?? namespace, consumer: identity.name };
}

/** The key to stdout, and everything else beside it. */
async function tellKey(
  session: Session,
  { key, expiresAt, revision }: WrittenKey,
  sentence: string,
  { wait, timeout }: WaitFlags,
): Promise<void> {
  const { io } = session;
  io.err(expiresAt === undefined ? sentence : `${sentence}, expires ${expiresAt}`);
  io.out(key);
  io.err('This is shown once.');
  const aside: Io = { ...io, out: (text) => io.err(text) };
  if (wait === true) await waitForRevision({ ...session, io: aside }, revision, timeout);
}
