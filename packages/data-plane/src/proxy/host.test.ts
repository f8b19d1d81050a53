import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { parseAuthority } from './host.ts';

describe('parseAuthority', () => {
  it('gives the name in lower case without port and final dot, and keeps what was sent', () => {
    for (const [sent, host] of [
      ['API.example.com', 'api.example.com'],
      ['api.example.com.:8080', 'api.example.com'],
      ['10.0.0.1:80', '10.0.0.1'],
      ['[2001:DB8::1]:443', '[2001:db8::1]'],
      ['my_service', 'my_service'],
    ] as const)
      assert.deepEqual(parseAuthority(sent), { sent, host });
  });

  it('refuses what another server might read differently', () => {
    const bad = ['', ':80', 'a b', 'a,b', 'a/b', 'a?b', 'a#b', 'a\\b', 'u@a', 'a:b', 'a:80:80', 'a:'];
    for (const sent of [...bad, '[::1', '[a]', 'g%77.test', 'g\u00fcw', '.a', 'a..b', '.', 'a'.repeat(300)])
      assert.equal(parseAuthority(sent), undefined, sent);
  });
});
