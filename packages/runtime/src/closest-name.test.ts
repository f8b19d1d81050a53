import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { closestName } from './closest-name.ts';

describe('closestName', () => {
  const names = ['matches', 'backends', 'hosts', 'timeouts'];

  it('finds a name with a letter missing, added, replaced or swapped', () => {
    assert.equal(closestName('match', names), 'matches');
    assert.equal(closestName('hostss', names), 'hosts');
    assert.equal(closestName('hests', names), 'hosts');
    assert.equal(closestName('hsots', names), 'hosts');
    assert.equal(closestName('TimeOut', names), 'timeouts');
  });

  it('finds none when nothing is near', () => {
    assert.equal(closestName('filters', names), undefined);
    assert.equal(closestName('x', names), undefined);
    assert.equal(closestName('', []), undefined);
  });

  it('prefers the nearest, then the first', () => {
    assert.equal(closestName('node', ['nodes', 'mode', 'nod']), 'nodes');
    assert.equal(closestName('route', ['routes', 'route']), 'route');
  });
});
