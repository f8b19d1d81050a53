import { create } from '@bufbuild/protobuf';
import {
  type Command,
  type CommandResult,
  CommandSchema,
} from '@causeway/proto/gen/causeway/config/v1/config_pb';
import type { CancelTimer, Clock } from '@causeway/runtime/clock';

/** Commands that wait for one node at once, and what one of them may answer, in bytes. */
const pendingMax = 16;
const resultBytesMax = 64 * 1024 * 1024;

/** A command that could not be carried out: the node is away, busy, too slow, or says no. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}

interface PendingCommand {
  chunks: Uint8Array[];
  bytes: number;
  settle: (result: Uint8Array | CommandFailed) => void;
  cancelTimer: CancelTimer;
}

/** The command side of one node's connection. Its results never share a stream with configuration. */
class CommandChannel {
  readonly #send: (command: Command) => void;
  readonly #clock: Clock;
  readonly #pending = new Map<number, PendingCommand>();
  #lastId = 0;

  constructor(send: (command: Command) => void, clock: Clock) {
    this.#send = send;
    this.#clock = clock;
  }

  run(verb: string, args: unknown, deadlineMs: number): Promise<Uint8Array> {
    if (this.#pending.size >= pendingMax)
      return Promise.reject(new CommandFailed('too many commands are waiting for this node'));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const cancelTimer = this.#clock.after(deadlineMs, () =>
        this.#settle(id, new CommandFailed(`the node did not answer within ${deadlineMs} ms`)),
      );
      const settle = (result: Uint8Array | CommandFailed): void =>
        result instanceof CommandFailed ? reject(result) : resolve(result);
      this.#pending.set(id, { chunks: [], bytes: 0, settle, cancelTimer });
      this.#send(create(CommandSchema, { id, verb, args: Buffer.from(JSON.stringify(args)), deadlineMs }));
    });
  }

  receive(result: CommandResult): void {
    const pending = this.#pending.get(result.id);
    if (!pending) return;
    if (result.error !== '') return this.#settle(result.id, new CommandFailed(result.error));
    pending.bytes += result.chunk.byteLength;
    if (pending.bytes > resultBytesMax)
      return this.#settle(result.id, new CommandFailed(`the answer is larger than ${resultBytesMax} bytes`));
    pending.chunks.push(result.chunk);
    if (result.last) this.#settle(result.id, Buffer.concat(pending.chunks));
  }

  close(): void {
    for (const id of this.#pending.keys()) this.#settle(id, new CommandFailed('the node went away'));
  }

  #settle(id: number, result: Uint8Array | CommandFailed): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    pending.cancelTimer();
    pending.settle(result);
  }
}

export type { CommandChannel };

/** The command channels of the nodes that are connected. */
export class CommandChannels {
  readonly #clock: Clock;
  readonly #channels = new Map<string, CommandChannel>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  open(nodeId: string, send: (command: Command) => void): CommandChannel {
    this.#channels.get(nodeId)?.close();
    const channel = new CommandChannel(send, this.#clock);
    this.#channels.set(nodeId, channel);
    return channel;
  }

  close(nodeId: string, channel: CommandChannel): void {
    channel.close();
    if (this.#channels.get(nodeId) === channel) this.#channels.delete(nodeId);
  }

  /** Runs a command on a node. Rejects with {@link CommandFailed}. */
  run(nodeId: string, verb: string, args: unknown, deadlineMs: number): Promise<Uint8Array> {
    const channel = this.#channels.get(nodeId);
    if (!channel) return Promise.reject(new CommandFailed('the node is not connected'));
    return channel.run(verb, args, deadlineMs);
  }
}
