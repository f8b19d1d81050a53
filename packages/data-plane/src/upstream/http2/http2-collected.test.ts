// What node:http2 leaves behind of connections that were broken off within a block of fields: without `keep-session.ts` this process aborts.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { answeringUpstream } from '../../testing/frame-upstream.ts';
import { exchange, openPool } from '../../testing/heard.ts';
import { block, frame, FrameType } from '../../testing/http2-frames.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

describe('an upstream whose head does not end', () => {
  it('leaves nothing that breaks the process when it is collected', async (context) => {
    const upstream = await answeringUpstream(context, (connection, stream) =>
      connection.send(
        frame(FrameType.headers, 0, stream, block([[':status', '200']])),
        ...Array.from({ length: 20 }, () => frame(FrameType.continuation, 0, stream, block([['x', 'y']]))),
      ),
    );
    const pool = openPool(context, upstream.port, { settings: { protocol: 'h2c' } });
    for (let round = 1; round <= 60; round += 1) {
      assert.equal((await exchange(pool)).failure?.reason, 'upstream_protocol_error');
      if (round % 20 !== 0) continue;
      for (let turn = 0; turn < 10; turn += 1) await nextTurn();
      collect();
    }
  });
});
