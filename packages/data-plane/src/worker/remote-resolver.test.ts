import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { RemoteResolver } from './remote-resolver.ts';
import type { SupervisorTells } from './worker-setup.ts';

function started(): { resolver: RemoteResolver; told: string[] } {
  const told: string[] = [];
  const tells: Pick<SupervisorTells, 'watch' | 'unwatch'> = {
    watch: (name) => told.push(`watch ${name}`),
    unwatch: (name) => told.push(`unwatch ${name}`),
  };
  return { resolver: new RemoteResolver(tells), told };
}

describe('addresses that a worker is told', () => {
  it('are asked for once, however many watch a name, and until the last one has left', async () => {
    const { resolver, told } = started();
    const heard: string[] = [];
    const hear = (addresses: readonly string[]): void => void heard.push(addresses.join());
    const first = resolver.watch('a.test', hear);
    resolver.learn({ name: 'a.test', addresses: ['192.0.2.1'] });
    const second = resolver.watch('a.test', hear);
    await Promise.resolve();
    resolver.learn({ name: 'a.test', addresses: ['192.0.2.2'] });
    assert.deepEqual(heard, ['192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.2']);
    first();
    first();
    assert.deepEqual(told, ['watch a.test']);
    second();
    resolver.learn({ name: 'a.test', addresses: ['192.0.2.3'] });
    assert.deepEqual([told, heard.length], [['watch a.test', 'unwatch a.test'], 4]);
  });

  it('are not heard by one who has left before he was told', async () => {
    const { resolver } = started();
    resolver.watch('a.test', () => {});
    resolver.learn({ name: 'a.test', addresses: ['192.0.2.1'] });
    let heard = 0;
    resolver.watch('a.test', () => (heard += 1))();
    await Promise.resolve();
    assert.equal(heard, 0);
  });

  it('are asked for no more when it closes', () => {
    const { resolver, told } = started();
    resolver.watch('a.test', () => {});
    resolver.watch('b.test', () => {});
    resolver.close();
    assert.deepEqual(told.slice(2), ['unwatch a.test', 'unwatch b.test']);
  });
});
