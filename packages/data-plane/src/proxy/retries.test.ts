import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';

import { ask, askHead, openSocket, readToEnd, sendRaw, until } from '../testing/http-client.ts';
import { gatewayItem, startUpstream } from '../testing/node-fixture.ts';
import { listenRaw, type RawUpstream, rawUpstream } from '../testing/raw-upstream.ts';
import { answerText, retryingNode } from '../testing/retrying-node.ts';

/** Answers what it is told, the last one again and again. */
const scripted = (context: TestContext, ...answers: string[]): Promise<RawUpstream> =>
  rawUpstream(context, (_head, index) => answers[Math.min(index, answers.length - 1)]);

/** Of an upstream that is not there. */
async function deadPort(context: TestContext): Promise<number> {
  const server = createServer();
  const port = await listenRaw(context, server);
  server.close();
  await once(server, 'close');
  return port;
}

const reasonOf = ({ body }: { body: string }): unknown => JSON.parse(body).reason;
const good = answerText(200, 'good');
const bad = answerText(503, 'bad');

describe('a request that may be tried again', () => {
  it('goes to another endpoint when the first answers with such a status', async (context) => {
    const [first, second] = [await scripted(context, bad), await scripted(context, good)];
    const fixture = await retryingNode(context, [first.port, second.port]);
    const answer = await ask({ port: fixture.port(), path: '/a?b' });
    assert.deepEqual([answer.status, answer.body], [200, 'good']);
    assert.deepEqual(
      second.heads,
      first.heads.map((head) => head.replace(`${first.port}`, `${second.port}`)),
    );
    await until('the exchange is over', () => fixture.records.length === 1);
    const [record] = fixture.records;
    assert.deepEqual([record?.tries, record?.endpoint, record?.reason], [2, `e-${second.port}`, undefined]);
    assert.deepEqual(fixture.retries, ['success']);
  });

  it('goes to another endpoint when the first cannot be connected to, resets, or breaks off before its head', async (context) => {
    const second = await scripted(context, good);
    const resetting = await rawUpstream(context, (_head, _index, socket) => void socket.resetAndDestroy());
    const ending = await rawUpstream(context, (_head, _index, socket) => void socket.end('HTTP/1.1 200'));
    for (const port of [await deadPort(context), resetting.port, ending.port]) {
      const fixture = await retryingNode(context, [port, second.port]);
      const answer = await ask({ port: fixture.port() });
      assert.deepEqual([answer.status, answer.body, fixture.retries], [200, 'good', ['success']]);
    }
  });

  it('is not tried again for what its Route does not name', async (context) => {
    const second = await scripted(context, good);
    const none = { connectFailure: false, reset: false, timeout: false, statuses: [] };
    const fixture = await retryingNode(context, [await deadPort(context), second.port], { retry: none });
    assert.equal(reasonOf(await ask({ port: fixture.port() })), 'upstream_connect_failed');
    const resetting = await rawUpstream(context, (_head, _index, socket) => void socket.resetAndDestroy());
    const strict = await retryingNode(context, [resetting.port, second.port], { retry: none });
    assert.equal(reasonOf(await ask({ port: strict.port() })), 'upstream_reset');
    const broken = await scripted(context, 'HTTP/9\r\n\r\n');
    const other = await retryingNode(context, [broken.port, second.port]);
    assert.equal(reasonOf(await ask({ port: other.port() })), 'upstream_protocol_error');
    assert.equal(second.heads.length, 0);
  });

  it('is not a POST, unless it has an Idempotency-Key', async (context) => {
    const [first, second] = [await scripted(context, bad), await scripted(context, good)];
    const fixture = await retryingNode(context, [first.port, second.port]);
    const plain = await ask({ port: fixture.port(), method: 'POST' });
    assert.deepEqual([plain.status, plain.body, second.heads.length], [503, 'bad', 0]);
    // The rotation stands at the second.
    await ask({ port: fixture.port() });
    const keyed = await ask({ port: fixture.port(), method: 'POST', headers: { 'idempotency-key': '"1"' } });
    assert.deepEqual([keyed.status, fixture.retries], [200, ['success']]);
  });

  it('comes to the same endpoint where there is no other, on the same connection', async (context) => {
    const only = await scripted(context, bad, good);
    const fixture = await retryingNode(context, [only.port]);
    const answer = await ask({ port: fixture.port() });
    assert.deepEqual([answer.status, only.heads.length, only.sockets.length], [200, 2, 1]);
  });

  it('gives up the connection of an answer that is too long to be read to its end', async (context) => {
    const long = `HTTP/1.1 503 X\r\nContent-Length: 10000000\r\n\r\n${'x'.repeat(70_000)}`;
    const only = await scripted(context, long, good);
    const fixture = await retryingNode(context, [only.port], {
      retry: { backoffMs: 200, maxBackoffMs: 200 },
    });
    const answer = await ask({ port: fixture.port() });
    assert.deepEqual([answer.status, answer.body, only.sockets.length], [200, 'good', 2]);
  });

  it('gets the last answer when all of them are bad', async (context) => {
    const answers = [1, 2, 3].map((nth) => answerText(503, `bad ${nth}`));
    const only = await scripted(context, ...answers);
    const fixture = await retryingNode(context, [only.port], { retry: { attempts: 2 } });
    const answer = await ask({ port: fixture.port() });
    assert.deepEqual([answer.status, answer.body, only.heads.length], [503, 'bad 3', 3]);
    assert.deepEqual(fixture.retries, ['failure', 'failure']);
    await until('the exchange is over', () => fixture.records.length === 1);
    assert.deepEqual([fixture.records[0]?.tries, fixture.records[0]?.reason], [3, undefined]);
  });

  it('gets the answer of before when what comes after is none', async (context) => {
    const [first, second] = [
      await scripted(context, answerText(503, 'mine', 'X-A: b\r\n')),
      await rawUpstream(context, (_head, _index, socket) => void socket.resetAndDestroy()),
    ];
    const fixture = await retryingNode(context, [first.port, second.port]);
    const answer = await ask({ port: fixture.port() });
    assert.deepEqual([answer.status, answer.body, answer.headers['x-a']], [503, 'mine', 'b']);
    assert.equal(second.heads.length, 1);
    await until('the exchange is over', () => fixture.records.length === 1);
    const [record] = fixture.records;
    assert.deepEqual([record?.endpoint, record?.tries], [`e-${first.port}`, 2]);
  });

  it('gets the failure when no try was answered', async (context) => {
    const [first, second] = [await deadPort(context), await deadPort(context)];
    const fixture = await retryingNode(context, [first, second], { retry: { attempts: 3 } });
    assert.equal(reasonOf(await ask({ port: fixture.port() })), 'upstream_connect_failed');
    await until('the exchange is over', () => fixture.records.length === 1);
    assert.equal(fixture.records[0]?.tries, 4);
  });

  it('sees no informational response of a try that is given up', async (context) => {
    const hint = (name: string) => `HTTP/1.1 103 Early Hints\r\nLink: <${name}>\r\n\r\n`;
    const [first, second] = [
      await scripted(context, hint('/bad') + bad),
      await scripted(context, hint('/good') + good),
    ];
    const fixture = await retryingNode(context, [first.port, second.port]);
    const heard = await sendRaw(
      context,
      fixture.port(),
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    );
    assert.match(heard, /^HTTP\/1.1 103 .*\r\nlink: <\/good>\r\n\r\nHTTP\/1.1 200/i);
    assert.doesNotMatch(heard, /\/bad/);
  });

  it('is never tried again once its answer has begun: the client sees a cut', async (context) => {
    const cut = await rawUpstream(context, (_head, _index, socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome');
      setTimeout(() => socket.resetAndDestroy(), 50);
      return undefined;
    });
    const second = await scripted(context, good);
    const fixture = await retryingNode(context, [cut.port, second.port]);
    const response = await askHead({ port: fixture.port() });
    response.resume();
    const [error] = await once(response, 'error');
    assert.deepEqual([error.message, second.heads.length], ['aborted', 0]);
  });

  it('is tried again for a code of gRPC in the head of an answer', async (context) => {
    const [first, second] = [
      await scripted(context, answerText(200, '', 'grpc-status: 14\r\n')),
      await scripted(context, answerText(200, '', 'grpc-status: 0\r\n')),
    ];
    const fixture = await retryingNode(context, [first.port, second.port]);
    assert.equal((await ask({ port: fixture.port() })).headers['grpc-status'], '0');
  });

  it('is over with its client, also between two tries', async (context) => {
    const only = await scripted(context, bad, good);
    const slow = { backoffMs: 3_600_000, maxBackoffMs: 3_600_000 };
    const fixture = await retryingNode(context, [only.port], { retry: slow });
    const socket = await openSocket(context, fixture.port());
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await until('the first try is over', () => only.heads.length === 1);
    // Its answer is there, and its turn to be given up is over.
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.resetAndDestroy();
    await until('the exchange is over', () => fixture.records.length === 1);
    const [record] = fixture.records;
    assert.deepEqual(
      [record?.reason, record?.tries, fixture.node.activeRequests, only.heads.length],
      ['client_closed', 1, 0, 1],
    );
  });
});

describe('a request that meets connections that are being closed', () => {
  it('is sent once more by the way in its first try, and in none of the further ones', async (context) => {
    let isWell = true;
    const kept = 8;
    const upstream: RawUpstream = await rawUpstream(context, (_head, _index, socket) => {
      if (!isWell) socket.resetAndDestroy();
      else if (upstream.heads.length === kept) for (const each of upstream.sockets) each.write(good);
      return undefined;
    });
    const fixture = await retryingNode(context, [upstream.port], { retry: { attempts: 3 } });
    await Promise.all(Array.from({ length: kept }, () => ask({ port: fixture.port() })));
    isWell = false;
    assert.equal(reasonOf(await ask({ port: fixture.port() })), 'upstream_reset');
    assert.equal(upstream.heads.length - kept, 5);
  });
});

describe('a client that has ended its side', () => {
  const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

  it('gets the answer of the try under way, and no further one is made', async (context) => {
    for (const [answer, seen] of [
      [bad, /^HTTP\/1\.1 503 /],
      ['reset', /^HTTP\/1\.1 502 /],
    ] as const) {
      const only = await rawUpstream(context, () => undefined);
      const fixture = await retryingNode(context, [only.port], { retry: { attempts: 5 } });
      const client = await openSocket(context, fixture.port());
      const received = readToEnd(client);
      client.end(get);
      await until('the first try is there', () => only.heads.length === 1);
      if (answer === 'reset') only.sockets[0]!.resetAndDestroy();
      else only.sockets[0]!.write(answer);
      assert.match(await received, seen);
      assert.deepEqual([only.heads.length, fixture.retries, fixture.node.activeRequests], [1, [], 0]);
    }
  });

  it('during the pause before a try gets what there was', async (context) => {
    const only = await scripted(context, bad);
    const hourMs = 3_600_000;
    const fixture = await retryingNode(context, [only.port], {
      retry: { attempts: 5, backoffMs: hourMs, maxBackoffMs: hourMs },
      service: { circuitBreaker: { retriesMax: 1 } },
    });
    for (let count = 0; count < 2; count += 1) {
      const client = await openSocket(context, fixture.port());
      const received = readToEnd(client);
      client.write(get);
      await until('it has been tried', () => only.heads.length === count + 1);
      client.end();
      assert.match(await received, /^HTTP\/1\.1 503 [^]*bad$/);
    }
    // The place of the first one's retry is free again.
    assert.deepEqual([fixture.retries, only.heads.length, fixture.node.activeRequests], [[], 2, 0]);
  });
});

describe('time limits of tries', () => {
  it('end one that hangs, and another is made', async (context) => {
    const hung = await rawUpstream(context, () => undefined);
    const second = await scripted(context, good);
    for (const timeouts of [{ backendRequestMs: 150 }, { responseHeadMs: 150 }]) {
      const fixture = await retryingNode(context, [hung.port, second.port], { route: { timeouts } });
      const answer = await ask({ port: fixture.port() });
      assert.deepEqual([answer.status, fixture.retries], [200, ['success']]);
    }
    await until('the upstream is let go', () =>
      hung.sockets.every(({ readyState }) => readyState !== 'open'),
    );
  });

  it('give 504 when every try hangs, and where timeouts are not tried again', async (context) => {
    const hung = await rawUpstream(context, () => undefined);
    const timeouts = { backendRequestMs: 100 };
    const fixture = await retryingNode(context, [hung.port], { retry: { attempts: 2 }, route: { timeouts } });
    const answer = await ask({ port: fixture.port() });
    assert.deepEqual([answer.status, reasonOf(answer), hung.heads.length], [504, 'upstream_timeout', 3]);
    const once504 = await retryingNode(context, [hung.port], {
      retry: { timeout: false },
      route: { timeouts },
    });
    assert.equal((await ask({ port: once504.port() })).status, 504);
    assert.equal(hung.heads.length, 4);
  });

  it('leave the answer of before to a client whose time for the whole is over', async (context) => {
    const first = await scripted(context, bad);
    const hung = await rawUpstream(context, () => undefined);
    const timeouts = { requestMs: 300 };
    const fixture = await retryingNode(context, [first.port, hung.port], { route: { timeouts } });
    const answer = await ask({ port: fixture.port() });
    assert.deepEqual([answer.status, answer.body, hung.heads.length], [503, 'bad', 1]);
  });

  it('do not count against an upstream what its client does not send: nothing is judged or tried again', async (context) => {
    const upstream = await rawUpstream(context, (head) => (head.startsWith('GET') ? good : undefined));
    const failureRate = { percent: 50, windowMs: 60_000, minRequests: 2, openForMs: 60_000, probes: 1 };
    const stalled = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc';
    for (const [timeouts, requestBodyIdleMs, status] of [
      [{ backendRequestMs: 100 }, 300, 408],
      [{ requestMs: 300 }, 30_000, 504],
    ] as const) {
      const fixture = await retryingNode(context, [upstream.port], {
        retry: { methods: ['POST'] },
        route: { timeouts },
        service: { circuitBreaker: { failureRate } },
      });
      await fixture.apply({ items: [gatewayItem({ timeouts: { requestBodyIdleMs } })] });
      const answers = await Promise.all([1, 2, 3, 4].map(() => sendRaw(context, fixture.port(), stalled)));
      for (const answer of answers) assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
      assert.deepEqual([fixture.transitions, fixture.retries], [[], []]);
      assert.equal((await ask({ port: fixture.port() })).body, 'good');
    }
  });

  it('are not waited beyond for another try', async (context) => {
    const only = await scripted(context, bad);
    const fixture = await retryingNode(context, [only.port], {
      retry: { backoffMs: 3_600_000_000, maxBackoffMs: 3_600_000_000 },
      route: { timeouts: { requestMs: 30_000 } },
    });
    assert.deepEqual([(await ask({ port: fixture.port() })).body, only.heads.length], ['bad', 1]);
  });

  it('hold for a Route without retries, until an answer is complete', async (context) => {
    const { port } = await startUpstream(context, (_request, response) => {
      response.writeHead(200, { 'content-length': 100 });
      const timer = setInterval(() => response.write('.'), 20);
      response.on('close', () => clearInterval(timer));
    });
    const fixture = await retryingNode(context, [port], {
      retry: { attempts: 0 },
      route: { timeouts: { backendRequestMs: 200 } },
    });
    const response = await askHead({ port: fixture.port() });
    response.resume();
    const [error] = await once(response, 'error');
    assert.equal(error.message, 'aborted');
    await until('the exchange is over', () => fixture.records.length === 1);
    assert.equal(fixture.records[0]?.reason, 'upstream_timeout');
  });

  it('do not hold for a stream once its head is there', async (context) => {
    const { port } = await startUpstream(context, (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n');
      setTimeout(() => response.end('data: 2\n\n'), 500);
    });
    const fixture = await retryingNode(context, [port], { route: { timeouts: { backendRequestMs: 200 } } });
    assert.equal((await ask({ port: fixture.port() })).body, 'data: 1\n\ndata: 2\n\n');
  });
});

describe('the budget of a Service', () => {
  it('bounds retries by its requests: a storm stays a fifth', async (context) => {
    const only = await scripted(context, bad);
    const fixture = await retryingNode(context, [only.port], {
      retry: { attempts: 5 },
      service: { retryBudget: { percent: 20, minPerSecond: 0, windowMs: 60_000 } },
    });
    const requests = 500;
    for (let sent = 0; sent < requests; sent += 10) {
      const batch = Array.from({ length: 10 }, () => ask({ port: fixture.port() }));
      for (const { status, body } of await Promise.all(batch)) assert.deepEqual([status, body], [503, 'bad']);
    }
    const { length } = only.heads;
    assert.ok(length <= requests * 1.2 && length > requests * 1.1, `${length} of ${requests}`);
    assert.ok(fixture.retries.includes('overBudget'));
  });
});

describe('the circuit breaker of a Service', () => {
  const failureRate = {
    percent: 50,
    windowMs: 10_000,
    minRequests: 4,
    openForMs: 300,
    probes: 2,
    statuses: [{ first: 500, last: 599 }],
  };
  const noRetry = { attempts: 0 };

  it('opens, lets probes through, and closes again', async (context) => {
    const answers: string[] = [];
    const only = await rawUpstream(context, () => answers.at(-1));
    const service = { circuitBreaker: { failureRate } };
    const fixture = await retryingNode(context, [only.port], { retry: noRetry, service });
    const send = () => ask({ port: fixture.port() });
    answers.push(answerText(500, 'down'));
    for (let sent = 0; sent < 4; sent += 1) assert.equal((await send()).body, 'down');
    const refused = await send();
    assert.deepEqual([refused.status, reasonOf(refused), only.heads.length], [503, 'circuit_open', 4]);
    assert.equal(refused.headers['retry-after'], '1');
    while (fixture.transitions.length < 3) await send();
    assert.deepEqual(fixture.transitions, ['open', 'halfOpen', 'open']);
    assert.equal(only.heads.length, 5);
    answers.push(good);
    while (fixture.transitions.length < 5) await send();
    assert.deepEqual(fixture.transitions.slice(3), ['halfOpen', 'closed']);
    assert.deepEqual([(await send()).body, only.heads.length], ['good', 8]);
    assert.deepEqual(fixture.node.breakers, [{ service: 'default/r', state: 'closed' }]);
  });

  it('makes no retry while it is open: the client gets what there was', async (context) => {
    const only = await scripted(context, bad);
    const service = { circuitBreaker: { failureRate: { ...failureRate, openForMs: 60_000 } } };
    const fixture = await retryingNode(context, [only.port], { retry: { attempts: 5 }, service });
    const answer = await ask({ port: fixture.port() });
    assert.deepEqual([answer.status, answer.body, only.heads.length], [503, 'bad', 4]);
    assert.deepEqual(fixture.retries.at(-1), 'circuitOpen');
    assert.equal(reasonOf(await ask({ port: fixture.port() })), 'circuit_open');
  });

  it('refuses more requests at once than there may be, which no failures are', async (context) => {
    const hung = await rawUpstream(context, () => undefined);
    const service = { circuitBreaker: { requestsMax: 2, failureRate } };
    const fixture = await retryingNode(context, [hung.port], { service });
    const sockets = await Promise.all([1, 2].map(() => openSocket(context, fixture.port())));
    for (const socket of sockets) socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await until('both are there', () => hung.heads.length === 2);
    for (let sent = 0; sent < 10; sent += 1)
      assert.equal(reasonOf(await ask({ port: fixture.port() })), 'circuit_open');
    assert.deepEqual([fixture.transitions, hung.heads.length], [[], 2]);
    for (const socket of sockets) socket.resetAndDestroy();
    await until('both are over', () => fixture.records.length === 12);
    assert.deepEqual(fixture.transitions, []);
  });
});
