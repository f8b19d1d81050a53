// What node:http2 leaves behind of clients that were broken off within a block of fields: without `keep-session.ts` this process aborts.

import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { startClients } from '../../testing/client-fixture.ts';
import { until } from '../../testing/http-client.ts';
import {
  block,
  frame,
  FrameClient,
  FrameFlag,
  FrameType,
  headers,
  pseudo,
  windowUpdate,
} from '../../testing/http2-frames.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const windowBytes = 0x3fff_0000;

describe('a client whose trailers do not end, and who reads nothing', () => {
  it('leaves nothing that breaks the process when it is collected', async (context) => {
    const fixture = await startClients(context, ({ downstream }) => {
      downstream.sendHead(200, [], 'unknown', false);
      downstream.sendChunk(Buffer.alloc(5_000_000));
    });
    for (let round = 1; round <= 60; round += 1) {
      const client = new FrameClient(context, fixture.port);
      client.socket.pause();
      await client.send(
        windowUpdate(0, windowBytes),
        headers(1, pseudo('POST'), 0),
        windowUpdate(1, windowBytes),
      );
      await until('the request', () => fixture.asked.length === round);
      for (let turn = 0; turn < 10; turn += 1) await nextTurn();
      await client.send(
        frame(FrameType.headers, FrameFlag.endStream, 1, block([['x', 'y']])),
        ...Array.from({ length: 20 }, () => frame(FrameType.continuation, 0, 1, block([['x', 'y']]))),
      );
      await until('the end', () => fixture.asked.at(-1)!.end === 'closed');
      client.socket.destroy();
      if (round % 20 !== 0) continue;
      await until('all connections are gone', () => fixture.closed.length === round);
      collect();
    }
  });
});
