// HTTP/2 without TLS, as the clients that people have speak it.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { startSystem } from '../../kit/processes.ts';
import { gateway, route, service } from '../../kit/resources.ts';
import { type Echo, startEcho } from '../../kit/upstreams/echo.ts';
import { startReset } from '../../kit/upstreams/reset.ts';

const run = promisify(execFile);
const secondsMax = '20';

/** A node before an echo; gives its address and more of it. */
async function started(t: TestContext) {
  const echo = await startEcho(t);
  const system = await startSystem(t);
  await system.apply([service('a', [echo.port]), route('a', '/', 'a')]);
  const [node] = system.nodes;
  return { system, node: node!, url: await node!.trafficUrl('http') };
}

async function curl(...args: string[]): Promise<string> {
  const { stdout } = await run('curl', [
    '--http2-prior-knowledge',
    '--silent',
    '--max-time',
    secondsMax,
    ...args,
  ]);
  return stdout;
}

interface LoadCounts {
  readonly succeeded: number;
  readonly failed: number;
  readonly errored: number;
}

/** Runs h2load, and gives what it counted. */
async function load(url: string, ...args: string[]): Promise<LoadCounts> {
  const { stdout } = await run('h2load', ['--connection-active-timeout', secondsMax, ...args, url]);
  const counts = /(\d+) succeeded, (\d+) failed, (\d+) errored/.exec(stdout);
  assert.ok(counts, stdout);
  return { succeeded: Number(counts[1]), failed: Number(counts[2]), errored: Number(counts[3]) };
}

describe('HTTP/2 by prior knowledge', () => {
  it('serves curl: a request, a HEAD, an upload', async (t) => {
    const { url } = await started(t);
    const seen = JSON.parse(await curl(`${url}/x?y=1`)) as Echo;
    assert.equal(seen.target, '/x?y=1');
    const written = await curl(
      '--head',
      '--output',
      '/dev/null',
      '--write-out',
      '%{http_version} %{http_code}',
      url,
    );
    assert.equal(written, '2 200');
    const upload = [
      '--data-binary',
      `@${process.execPath}`,
      '--output',
      '/dev/null',
      '--write-out',
      '%{http_code}',
    ];
    assert.equal(await curl(...upload, `${url}/upload`), '413');
  });

  it('goes on serving HTTP/1.1 on the same port', async (t) => {
    const { url } = await started(t);
    const { stdout } = await run('curl', ['--http1.1', '--silent', '--write-out', ' %{http_version}', url]);
    assert.match(stdout, / 1\.1$/);
  });

  it('serves nghttp, which asks for more than one thing at once', async (t) => {
    const { url } = await started(t);
    const { stdout } = await run('nghttp', [
      '--no-dep',
      '--stat',
      '--null-out',
      `${url}/a`,
      `${url}/b`,
      `${url}/c`,
    ]);
    assert.equal(stdout.match(/ 200 +\S+ \/[abc]$/gm)?.length, 3, stdout);
  });

  it('loses none of 20,000 requests of h2load, while the configuration changes under them', async (t) => {
    const { system, url } = await started(t);
    const loaded = load(`${url}/x`, '-n', '20000', '-c', '10', '-m', '20');
    for (let index = 0; index < 20; index += 1) await system.apply([route(`r${index}`, `/r${index}`, 'a')]);
    assert.deepEqual(await loaded, { succeeded: 20_000, failed: 0, errored: 0 });
  });

  it('shows curl that an answer is not complete', async (t) => {
    const broken = await startReset(t, 'midBody');
    const system = await startSystem(t);
    await system.apply([service('a', [broken.port]), route('a', '/', 'a')]);
    const url = await system.nodes[0]!.trafficUrl('http');
    const streamErrors = [92];
    await assert.rejects(curl(url), ({ code }: { code: number }) => streamErrors.includes(code));
  });

  it('tells as many streams as its Gateway allows', async (t) => {
    const { system, url } = await started(t);
    await system.apply([gateway({ limits: { maxStreamsPerConnection: 7 } })]);
    const { stdout } = await run('nghttp', ['--verbose', '--null-out', url]);
    assert.match(stdout, /SETTINGS_MAX_CONCURRENT_STREAMS\(0x03\):7\]/);
  });
});
