import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLogger } from '@causeway/runtime/logger';

import { warnOfLostConnections } from './kernel-settings.ts';

describe('warnOfLostConnections', () => {
  const warned = (read: () => string): string[] => {
    const lines: string[] = [];
    warnOfLostConnections(createLogger({ level: 'info', write: (line) => lines.push(line) }), read);
    return lines;
  };

  it('says how to mend it where the kernel does not migrate what waits, and nothing elsewhere', () => {
    const [line = '', ...more] = warned(() => '0\n');
    assert.match(line, /sysctl -w net\.ipv4\.tcp_migrate_req=1/);
    assert.deepEqual(more, []);
    assert.deepEqual(
      warned(() => '1\n'),
      [],
    );
    const missing = (): string => {
      throw new Error('ENOENT');
    };
    assert.deepEqual(warned(missing), []);
  });
});
