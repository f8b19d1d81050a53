import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';

import { explainListenError, formatListenAddress, isLoopback, parseListenAddress } from './listen-address.ts';

describe('parseListenAddress', () => {
  it('reads addresses and names, and writes them back', () => {
    for (const text of ['127.0.0.1:7080', '0.0.0.0:0', '[::1]:65535', 'localhost:1', 'gw-1.example.com:80']) {
      const address = parseListenAddress(text);
      assert.ok(address, text);
      assert.equal(formatListenAddress(address), text);
    }
  });

  it('refuses what lacks a part, has a port over 65535, or is a mistyped address', () => {
    const wrong = [
      '',
      ':80',
      '127.0.0.1',
      '127.0.0.1:',
      '127.0.0.1:65536',
      '1.2.3:80',
      '1.2.3.4.5:80',
      '300.1.1.1:1',
    ];
    for (const text of [
      ...wrong,
      '::1:80',
      '[::1]',
      '[localhost]:1',
      'a b:1',
      '-a:1',
      'http://x:1',
      'x:-1',
    ]) {
      assert.equal(parseListenAddress(text), undefined, text);
    }
  });
});

describe('isLoopback', () => {
  it('is true for what only this machine can reach', () => {
    for (const host of [
      '127.0.0.1',
      '127.255.0.9',
      '::1',
      '0:0:0:0:0:0:0:1',
      '::ffff:127.0.0.1',
      'localhost',
      'a.localhost',
    ]) {
      assert.equal(isLoopback(host), true, host);
    }
  });

  it('is false for every other host', () => {
    for (const host of ['0.0.0.0', '::', '10.0.0.1', '::2', 'localhost.example.com', '127.example.com', '']) {
      assert.equal(isLoopback(host), false, host);
    }
  });
});

describe('explainListenError', () => {
  async function listenError(host: string, port: number): Promise<unknown> {
    const server = createServer().listen(port, host);
    return new Promise((resolve) => {
      server.once('error', resolve);
      server.once('listening', () => server.close(() => resolve(undefined)));
    });
  }

  it('names the address and the flag when the port is in use', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const bound = holder.address();
    assert.ok(bound !== null && typeof bound === 'object');
    const error = await listenError('127.0.0.1', bound.port);
    holder.close();
    assert.equal(
      explainListenError(error, { host: '127.0.0.1', port: bound.port }, '--admin-addr'),
      `127.0.0.1:${bound.port} is in use by another process: stop that process, or choose another port with --admin-addr.`,
    );
  });

  it('explains an address that this machine does not have', async () => {
    const error = await listenError('192.0.2.1', 0);
    assert.equal(
      explainListenError(error, { host: '192.0.2.1', port: 0 }, '--status-addr'),
      '192.0.2.1 is no address of this machine: choose one that is with --status-addr.',
    );
  });

  it('explains a missing privilege and a name that does not resolve', () => {
    const failed = (code: string): Error => Object.assign(new Error(code), { code });
    const address = { host: 'gw.test', port: 80 };
    assert.match(
      explainListenError(failed('EACCES'), address, '--x') ?? '',
      /^gw\.test:80 may not be opened.*--x\.$/,
    );
    assert.match(explainListenError(failed('ENOTFOUND'), address, '--x') ?? '', /does not resolve.*--x\.$/);
  });

  it('leaves other errors alone', () => {
    assert.equal(explainListenError(new Error('x'), { host: '::1', port: 1 }, '--x'), undefined);
  });
});
