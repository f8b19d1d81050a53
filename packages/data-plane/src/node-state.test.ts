import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createLogger } from '@causeway/runtime/logger';

import { checkNodeId, openNodeState, nodeTokenReader } from './node-state.ts';

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

describe('nodeTokenReader', () => {
  it('gives nothing until the file is there, says so once, and sees a renewed token', (context) => {
    const dataDir = tempDir(context);
    const lines: string[] = [];
    const logger = createLogger({ level: 'info', write: (line) => void lines.push(line) });
    const read = nodeTokenReader({ dataDir, nodeTokenFile: undefined }, logger);
    assert.deepEqual([read(), read()], [undefined, undefined]);
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, /waiting for the node token/);
    for (const token of ['secret', 'renewed']) {
      writeFileSync(join(dataDir, 'node.token'), `${token}\n`);
      assert.equal(read(), token);
    }
  });
});
