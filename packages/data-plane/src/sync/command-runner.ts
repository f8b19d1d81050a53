import { create } from '@bufbuild/protobuf';
import { resultChunkBytesMax } from '@causeway/proto/config-stream';
import {
  type Command,
  type CommandResult,
  CommandResultSchema,
  type NodeCommandMessage,
  NodeCommandMessageSchema,
} from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { messageOf } from '@causeway/runtime/errors';
import type { CommandsCall } from './config-client.ts';

/** What a node can be asked, by verb; the result is sent as JSON. */
export type CommandHandlers = Readonly<Record<string, (args: unknown) => Promise<unknown>>>;

/** Answers the commands of one call, in chunks and at the pace at which they are taken. */
export function answerCommands(
  call: CommandsCall,
  handlers: CommandHandlers,
  identity: { nodeId: string; instance: string },
): void {
  call.write(
    create(NodeCommandMessageSchema, {
      message: { case: 'hello', value: { nodeId: identity.nodeId, instance: identity.instance } },
    }),
  );
  call.on('data', (command: Command) => {
    void answer(command, handlers, call);
  });
}

async function answer(command: Command, handlers: CommandHandlers, call: CommandsCall): Promise<void> {
  try {
    const handler = Object.hasOwn(handlers, command.verb) ? handlers[command.verb] : undefined;
    if (!handler) throw new Error(`this node does not know the command ${JSON.stringify(command.verb)}`);
    const bytes = Buffer.from(
      JSON.stringify(await handler(JSON.parse(Buffer.from(command.args).toString('utf8')))),
    );
    for (let from = 0; from < bytes.byteLength; from += resultChunkBytesMax) {
      const last = from + resultChunkBytesMax >= bytes.byteLength;
      await send(call, { id: command.id, chunk: bytes.subarray(from, from + resultChunkBytesMax), last });
    }
  } catch (error) {
    await send(call, { id: command.id, last: true, error: messageOf(error) });
  }
}

function send(call: CommandsCall, result: Partial<Omit<CommandResult, '$typeName'>>): Promise<void> {
  const message: NodeCommandMessage = create(NodeCommandMessageSchema, {
    message: { case: 'result', value: create(CommandResultSchema, result) },
  });
  if (call.destroyed || call.writableEnded || call.write(message)) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      call.off('drain', done);
      call.off('close', done);
      resolve();
    };
    call.on('drain', done);
    call.on('close', done);
  });
}
