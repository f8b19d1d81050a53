import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';

import { EndpointOwnWord } from '../counts/endpoint-record.ts';
import { ServiceOwnWord } from '../counts/service-record.ts';
import { get, Heard, ok } from '../testing/heard.ts';
import { until } from '../testing/http-client.ts';
import { endpoints } from '../testing/node-fixture.ts';
import { poolContext, poolSettings } from '../testing/pools.ts';
import { rawUpstream, startRaw } from '../testing/raw-upstream.ts';
import { ServiceHandle } from './service-handle.ts';
import { TryFailure } from './try-outcome.ts';

const halfHead = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf';

/** A Service of one endpoint, which writes down what it is told of tries. `answer`: of the endpoint, or `reset`. */
async function listening(context: TestContext, answer: string | undefined, request = get) {
  const told: [outcome: number, hasHead: boolean][] = [];
  const upstream = await rawUpstream(context, (_head, _index, socket) =>
    answer === 'reset' ? void socket.resetAndDestroy() : answer,
  );
  const service = new ServiceHandle('default/s', poolSettings(), poolContext());
  context.after(() => service.close());
  const finish = service.finish.bind(service);
  service.finish = (endpoint, outcome, headMs, ticket) => {
    told.push([outcome, headMs !== undefined && headMs >= 0]);
    finish(endpoint, outcome, headMs, ticket);
  };
  const open = (port = upstream.port) => {
    service.setEndpoints(endpoints('s', [port]));
    const endpoint = service.pick()!;
    const heard = new Heard();
    const call = endpoint.pool.send(request, heard, endpoint, service.gate.admit())!;
    const counts = () => [
      ...Object.values(EndpointOwnWord).map((word) => endpoint.record.sum(word)),
      service.record.sum(ServiceOwnWord.active),
    ];
    return { heard, call, counts };
  };
  return { told, open };
}

describe('a try', () => {
  it('is counted while it lasts, and tells its Service how it ended', async (context) => {
    const { told, open } = await listening(context, ok);
    const { heard, counts } = open();
    assert.deepEqual(counts(), [1, 1, 0, 1]);
    await until('it is over', () => heard.isOver);
    assert.deepEqual([told, counts()], [[[200, true]], [0, 1, 0, 0]]);
  });

  it('has failed when it is answered so, is reset, or cannot be connected', async (context) => {
    const { connectFailure, reset, protocolError } = TryFailure;
    const cases = [
      ['HTTP/1.1 502 X\r\nContent-Length: 0\r\n\r\n', 502, true],
      ['reset', reset, false],
      ['HTTP/9\r\n\r\n', protocolError, false],
      [undefined, connectFailure, false],
    ] as const;
    for (const [answer, outcome, hasHead] of cases) {
      const { told, open } = await listening(context, answer);
      const { heard, counts } = answer === undefined ? open(1) : open();
      await until('it is over', () => heard.isOver);
      assert.deepEqual([told, counts()], [[[outcome, hasHead]], [0, 1, 1, 0]], String(answer));
    }
  });

  it('that is given up says nothing of the endpoint before its head, and what the head said after it', async (context) => {
    for (const [answer, outcome] of [
      [undefined, TryFailure.abandoned],
      [halfHead, 200],
    ] as const) {
      const { told, open } = await listening(context, answer);
      const { heard, call, counts } = open();
      if (answer !== undefined) await until('its head is there', () => heard.status === 200);
      call.abort();
      call.abort();
      assert.deepEqual([told, counts()], [[[outcome, answer !== undefined]], [0, 1, 0, 0]]);
    }
  });

  it('that takes too long has failed, also within its answer', async (context) => {
    const { told, open } = await listening(context, halfHead);
    const { heard, call, counts } = open();
    await until('its head is there', () => heard.status === 200);
    assert.equal(call.timeOut(true), false);
    assert.deepEqual([told, counts()], [[[TryFailure.timeout, true]], [0, 1, 1, 0]]);
  });

  describe('whose body the client has not sent whole', () => {
    const upload = { ...get, method: 'POST', bodyLength: 10_000_000 };

    it('says nothing of the endpoint when it takes too long or is cut off, and what its answer says', async (context) => {
      for (const [answer, outcome] of [
        [undefined, TryFailure.abandoned],
        [halfHead, 200],
      ] as const) {
        const { told, open } = await listening(context, answer, upload);
        const { heard, call, counts } = open();
        await until('it is sent', () => heard.isReady);
        call.sendChunk(Buffer.from('abc'));
        call.flush();
        if (answer !== undefined) await until('its head is there', () => heard.status === 200);
        call.timeOut(true);
        assert.deepEqual([told, counts()], [[[outcome, answer !== undefined]], [0, 1, 0, 0]]);
      }
      const { told, open } = await listening(context, 'reset', upload);
      const { heard, call, counts } = open();
      await until('it is sent', () => heard.isReady);
      call.flush();
      await until('it is cut off', () => heard.failure !== undefined);
      assert.equal(heard.failure?.reason, 'upstream_reset');
      assert.deepEqual([told, counts()], [[[TryFailure.abandoned, false]], [0, 1, 0, 0]]);
    });

    it('has failed when the upstream does not take it, or has no connection for it', async (context) => {
      const port = await startRaw(context, (socket) => socket.pause());
      const { told, open } = await listening(context, undefined, upload);
      const { heard, call } = open(port);
      await until('it is sent', () => heard.isReady);
      while (call.sendChunk(Buffer.alloc(1_000_000)));
      call.timeOut(true);
      const waiting = open(port);
      waiting.call.timeOut(true);
      assert.deepEqual(told, [
        [TryFailure.timeout, false],
        [TryFailure.timeout, false],
      ]);
    });

    it('has failed when it is answered so, and when its answer breaks off', async (context) => {
      const cases = [
        ['HTTP/1.1 502 X\r\nContent-Length: 0\r\n\r\n', 502],
        [halfHead, TryFailure.reset],
      ] as const;
      for (const [answer, outcome] of cases) {
        const port = await startRaw(context, (socket) => socket.once('data', () => socket.end(answer)));
        const { told, open } = await listening(context, undefined, upload);
        const { heard, call } = open(port);
        await until('it is sent', () => heard.isReady);
        call.flush();
        await until('it is over', () => heard.isOver || heard.failure !== undefined);
        assert.deepEqual(told, [[outcome, true]]);
      }
    });
  });
});
