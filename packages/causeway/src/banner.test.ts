import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { renderBanner, type Banner } from './banner.ts';

const banner: Banner = {
  version: '1.0.0',
  dataDir: './.causeway',
  gateway: 'default',
  admin: { host: '127.0.0.1', port: 7080 },
  traffic: { host: '0.0.0.0', port: 8080 },
  status: { host: '127.0.0.1', port: 7090 },
  upstreams: [
    { host: '127.0.0.1', port: 9001 },
    { host: '127.0.0.1', port: 9002 },
  ],
};

describe('banner', () => {
  it('tells what runs, where, and what to try', () => {
    const expected = `Causeway 1.0.0: control plane, 1 node, 2 demo upstreams; state in ./.causeway

  admin API   http://127.0.0.1:7080   token in .causeway/admin.token
  traffic     http://127.0.0.1:8080   gateway/default
  status      http://127.0.0.1:7090
  upstreams   127.0.0.1:9001 127.0.0.1:9002

Try:
  export GWCTL_CONFIG=$PWD/.causeway/gwctl.yaml      # npx gwctl finds it by itself in this directory
  curl -i http://127.0.0.1:8080/hello
  npx gwctl get routes
  npx gwctl route explain GET http://127.0.0.1:8080/hello
Ctrl-C stops everything.
`;
    assert.equal(renderBanner(banner), expected);
  });

  it('leaves out what there is not without demo upstreams', () => {
    const text = renderBanner({ ...banner, upstreams: [] });
    assert.match(text, /^Causeway 1\.0\.0: control plane, 1 node; state in/);
    assert.doesNotMatch(text, /upstreams|hello/);
  });

  it('names another state directory so that a shell takes it as it is', () => {
    const absolute = renderBanner({ ...banner, dataDir: '/var/lib/causeway' });
    assert.match(absolute, /; state in \/var\/lib\/causeway\n/);
    assert.match(absolute, /export GWCTL_CONFIG=\/var\/lib\/causeway\/gwctl\.yaml\n/);
    const odd = renderBanner({ ...banner, dataDir: 'my $state' });
    assert.ok(odd.includes('export GWCTL_CONFIG="$PWD/my \\$state/gwctl.yaml"\n'), odd);
  });

  it('shows an IPv6 listener as a URL', () => {
    assert.match(
      renderBanner({ ...banner, traffic: { host: '::', port: 1 } }),
      /traffic {5}http:\/\/\[::1\]:1 /,
    );
  });
});
