import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createLogger } from '@causeway/runtime/logger';

import { checkNodeId, openNodeState, waitForNodeToken } from './node-state.ts';

function tempDir(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'causeway-node-'));
  context.after(() => rmSync(path, { recursive: true }));
  return path;
}

describe('node state', () => {
  it('makes an id once and keeps it', async (context) => {
    const dataDir = tempDir(context);
    const first = await openNodeState(dataDir, undefined);
    assert.match(first.nodeId, /^[0-9a-f-]{36}$/);
    await assert.rejects(openNodeState(dataDir, undefined), { code: 'directory_in_use' });
    first.lock.release();
    const second = await openNodeState(dataDir, undefined);
    assert.equal(second.nodeId, first.nodeId);
    second.lock.release();
  });

  it('keeps the state of several nodes apart', async (context) => {
    const dataDir = tempDir(context);
    const states = await Promise.all(['a', 'b'].map((id) => openNodeState(dataDir, id)));
    assert.ok(existsSync(join(dataDir, 'nodes', 'a')) && existsSync(join(dataDir, 'nodes', 'b')));
    for (const { lock } of states) lock.release();
  });

  it('refuses a kept id that is none', async (context) => {
    const dataDir = tempDir(context);
    writeFileSync(join(dataDir, 'node.id'), '../../etc\n');
    await assert.rejects(openNodeState(dataDir, undefined), /node\.id: "\.\.\/\.\.\/etc" is no node id/);
  });

  it('says what is a node id', () => {
    for (const id of ['a', 'edge-1', 'Edge_1.eu', '0']) assert.equal(checkNodeId(id), undefined);
    for (const id of ['', '.', '..', 'a/b', '-a', 'a b', 'a'.repeat(64)])
      assert.match(checkNodeId(id) ?? '', /is no node id/);
  });
});

describe('waitForNodeToken', () => {
  it('waits for the file, and says so once', async (context) => {
    const dataDir = tempDir(context);
    const lines: string[] = [];
    const logger = createLogger({ level: 'info', write: (line) => void lines.push(line) });
    const token = waitForNodeToken(
      { dataDir, nodeTokenFile: undefined },
      logger,
      new AbortController().signal,
    );
    setTimeout(() => writeFileSync(join(dataDir, 'node.token'), 'secret\n'), 600);
    assert.equal(await token, 'secret');
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, /waiting for the node token/);
  });

  it('gives up when it is told to', async (context) => {
    const controller = new AbortController();
    const settings = { dataDir: '.', nodeTokenFile: join(tempDir(context), 'none') };
    const token = waitForNodeToken(settings, createLogger({ level: 'error' }), controller.signal);
    controller.abort();
    assert.equal(await token, undefined);
  });
});
