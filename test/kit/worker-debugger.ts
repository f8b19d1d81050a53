// Ends one worker thread of a node from outside, as only a debugger can: a thread cannot be signalled alone.

import { once } from 'node:events';
import { eventually } from './eventually.ts';
import type { DataPlaneNode } from './processes.ts';

/** Of nodes whose workers are to be ended: the debugger then listens on any free port of loopback, once it is asked to by SIGUSR1. */
export const debuggable = { NODE_OPTIONS: '--inspect-port=127.0.0.1:0' };

interface Message {
  readonly method?: string;
  readonly params?: { readonly sessionId: string };
}

/** Runs `code` in one of the workers of a node that was started with `debuggable`. */
export async function runInWorker(node: DataPlaneNode, code: string): Promise<void> {
  const debuggerUrl = (): string | undefined =>
    node.child.logs
      .findLast(({ msg }) => msg.startsWith('Debugger listening on'))
      ?.msg.split(' ')
      .at(-1);
  if (debuggerUrl() === undefined) node.child.signal('SIGUSR1');
  await eventually(() => debuggerUrl() !== undefined, { what: 'the debugger listens' });
  const socket = new WebSocket(debuggerUrl()!);
  await once(socket, 'open');
  const attached = Promise.withResolvers<string>();
  socket.addEventListener('message', ({ data }) => {
    const { method, params } = JSON.parse(String(data)) as Message;
    if (method === 'NodeWorker.attachedToWorker') attached.resolve(params!.sessionId);
  });
  const post = (id: number, method: string, params: object): void =>
    socket.send(JSON.stringify({ id, method, params }));
  post(1, 'NodeWorker.enable', { waitForDebuggerOnStart: false });
  const sessionId = await attached.promise;
  const message = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression: code } });
  post(2, 'NodeWorker.sendMessageToWorker', { sessionId, message });
  // The answer: it has been handed on.
  await once(socket, 'message');
  socket.close();
}
