import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { configStreamDefinition, credentialKey } from '@causeway/proto/config-stream';
import {
  CommandsHelloSchema,
  ConfigStream,
  HelloSchema,
  NodeCommandMessageSchema,
  NodeMessageSchema,
} from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { createLogger } from '@causeway/runtime/logger';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { gateway, service } from '../testing/manifests.ts';
import { openWorld } from '../testing/world.ts';
import { CommandChannels, CommandFailed } from './command-channel.ts';
import { NodeRegistry } from './node-registry.ts';
import { Publisher } from './publisher.ts';
import { StreamServer } from './stream-server.ts';

const credential = 'Bearer cwn_right';

async function served(t: TestContext) {
  const world = await openWorld(t);
  await world.write([service('a'), gateway('default')]);
  const nodes = new NodeRegistry(world.clock, 60_000);
  const publisher = new Publisher({
    ...world,
    nodes,
    logger: createLogger({ level: 'error', write: (line) => assert.fail(line) }),
  });
  const commands = new CommandChannels(world.clock);
  const server = new StreamServer({
    publisher,
    commands,
    authenticate: (given) => (given === credential ? 'token/node' : undefined),
    ownPorts: () => [7080, 7081],
  });
  const port = await server.listen({ host: '127.0.0.1', port: 0 });
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  t.after(() => {
    client.close();
    server.close();
  });
  return { ...world, nodes, commands, client };
}

type Method = keyof typeof configStreamDefinition;

/** Opens a method's stream, sends `first`, and tells how it ends or what comes first. */
function open(client: Client, method: Method, given: string | undefined, first?: unknown) {
  const { path, requestSerialize, responseDeserialize } = configStreamDefinition[method];
  const metadata = new Metadata();
  if (given !== undefined) metadata.set(credentialKey, given);
  const call = client.makeBidiStreamRequest(
    path,
    requestSerialize as (message: unknown) => Buffer,
    responseDeserialize as (bytes: Buffer) => unknown,
    metadata,
  );
  const outcome = new Promise<{ code: string | undefined; details: string } | 'data'>((resolve) => {
    call.on('error', ({ code, details }: ServiceError) => resolve({ code: status[code], details }));
    call.on('data', () => resolve('data'));
  });
  if (first !== undefined) call.write(first);
  return { call, outcome };
}

const hello = create(NodeMessageSchema, {
  message: { case: 'hello', value: create(HelloSchema, { nodeId: 'n1', gateway: 'default', instance: 'i' }) },
});
const commandsHello = create(NodeCommandMessageSchema, {
  message: { case: 'hello', value: create(CommandsHelloSchema, { nodeId: 'n1', instance: 'i' }) },
});
const firstOf: Record<Method, unknown> = { subscribe: hello, commands: commandsHello };

describe('the config stream', () => {
  it('serves every method of the service, and no other', async (t) => {
    const { client } = await served(t);
    const declared = ConfigStream.methods.map(({ name }) => `/${ConfigStream.typeName}/${name}`).toSorted();
    assert.deepEqual(
      Object.values(configStreamDefinition)
        .map(({ path }) => path)
        .toSorted(),
      declared,
    );
    const call = client.makeBidiStreamRequest(
      `/${ConfigStream.typeName}/Other`,
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
    );
    const code = await new Promise((resolve) =>
      call.on('error', (error: { code?: number }) => resolve(error.code)),
    );
    assert.equal(code, status.UNIMPLEMENTED);
  });

  it('closes every method to who has no credential or a wrong one', async (t) => {
    const { client, nodes } = await served(t);
    for (const method of Object.keys(configStreamDefinition) as Method[])
      for (const given of [undefined, '', 'Bearer cwn_wrong', 'cwn_right', 'Basic cwn_right']) {
        const { outcome } = open(client, method, given, firstOf[method]);
        const ended = await outcome;
        assert.ok(ended !== 'data' && ended.code === 'UNAUTHENTICATED', `${method} ${given}`);
        assert.match(ended.details, /node\.token/);
        assert.doesNotMatch(ended.details, /cwn_/);
      }
    assert.equal(nodes.all().length, 0);
  });

  it('opens with the right one, and forgets the stream when the node goes', async (t) => {
    const { client, nodes } = await served(t);
    const { call, outcome } = open(client, 'subscribe', credential, hello);
    assert.equal(await outcome, 'data');
    assert.equal(nodes.get('n1')?.connected, true);
    call.cancel();
    while (nodes.get('n1')?.connected) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('ends a stream that does not begin with Hello', async (t) => {
    const { client } = await served(t);
    const { outcome } = open(client, 'subscribe', credential, create(NodeMessageSchema, {}));
    const ended = await outcome;
    assert.ok(ended !== 'data' && ended.code === 'INVALID_ARGUMENT');
    assert.match(ended.details, /first message must be Hello/);
  });

  it('refuses messages that are larger than a node has reason to send', async (t) => {
    const { client } = await served(t);
    const labels = { big: 'x'.repeat(1_100_000) };
    const large = create(NodeMessageSchema, {
      message: { case: 'hello', value: create(HelloSchema, { nodeId: 'n1', gateway: 'default', labels }) },
    });
    const { outcome } = open(client, 'subscribe', credential, large);
    const ended = await outcome;
    assert.ok(ended !== 'data' && ended.code === 'RESOURCE_EXHAUSTED', JSON.stringify(ended));
  });

  it('carries commands beside it, which fail when the node goes', async (t) => {
    const { client, commands } = await served(t);
    const { call } = open(client, 'commands', credential, commandsHello);
    const ran = (async () => {
      for (;;) {
        try {
          return await commands.run('n1', 'config-dump', {}, 5000);
        } catch (error) {
          if (!(error instanceof CommandFailed) || !/not connected/.test(error.message)) throw error;
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }
    })();
    await new Promise((resolve) => call.on('data', resolve));
    call.cancel();
    await assert.rejects(ran, /went away/);
  });
});
