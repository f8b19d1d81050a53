import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Identity, Manifest } from '@causeway/model/resource';
import { gateway, manifest, route, secret, service } from '../testing/manifests.ts';
import { openWorld, type World } from '../testing/world.ts';
import type { BrokenDocument, Plan, PlanMade } from './plan.ts';
import { planChanges } from './plan-changes.ts';

interface Wanted {
  documents?: readonly Manifest[];
  removals?: readonly Identity[];
  broken?: readonly BrokenDocument[];
  force?: boolean;
}

function plan(world: World, { documents = [], removals = [], broken = [], force = false }: Wanted): Plan {
  return planChanges(
    world.index,
    { documents: documents.map((each, document) => ({ document, manifest: each })), removals, broken },
    {
      revision: world.index.revision + 1,
      now: '2026-05-01T00:00:00.000Z',
      force,
      digest: (value) => `digest of ${value}`,
      readSecret: world.readSecret,
      signatures: world.signatures,
      ownAddresses: [{ host: '127.0.0.1', port: 7080 }],
    },
  );
}

function made(outcome: Plan): PlanMade {
  assert.equal(outcome.refused, undefined, JSON.stringify(outcome));
  return outcome;
}

function refused(outcome: Plan, reason: string) {
  assert.equal(outcome.refused, reason, JSON.stringify(outcome));
  return outcome.problems;
}

const outcomes = (outcome: Plan): unknown[] =>
  made(outcome).objects.map((object) => [object.key, object.outcome]);
const removal = (kind: string, name: string): Identity => ({ kind, namespace: 'default', name });

async function worldWith(t: TestContext, documents: readonly Manifest[]): Promise<World> {
  const world = await openWorld(t);
  const outcome = await world.write(documents);
  assert.equal(outcome.refused, undefined, JSON.stringify(outcome));
  return world;
}

describe('planChanges', () => {
  it('tells created, configured and unchanged apart', async (t) => {
    const world = await worldWith(t, [service('a'), service('b')]);
    const outcome = plan(world, { documents: [service('a'), service('b', [1]), service('c')] });
    assert.deepEqual(outcomes(outcome), [
      ['service/default/a', 'unchanged'],
      ['service/default/b', 'configured'],
      ['service/default/c', 'created'],
    ]);
    assert.equal(made(outcome).changes.length, 2);
  });

  it('keeps uid, creation time and, when only metadata changes, generation', async (t) => {
    const world = await worldWith(t, [service('a')]);
    const before = world.index.get('service/default/a')!.resource.metadata;
    const relabelled = made(plan(world, { documents: [service('a', [9001], { labels: { team: 'x' } })] }));
    assert.deepEqual(relabelled.objects[0]!.resource.metadata, {
      ...before,
      labels: { team: 'x' },
      resourceVersion: '2',
    });
    const respecified = made(plan(world, { documents: [service('a', [1])] })).objects[0]!.resource.metadata;
    assert.deepEqual(respecified, { ...before, resourceVersion: '2', generation: 2 });
    const created = made(plan(world, { documents: [service('z')] })).objects[0]!.resource.metadata;
    assert.deepEqual(
      [created.generation, created.resourceVersion, created.creationTimestamp],
      [1, '2', '2026-05-01T00:00:00.000Z'],
    );
  });

  it('leaves the current configuration untouched (invariant 5)', async (t) => {
    const world = await worldWith(t, [service('a'), route('r', 'a')]);
    const before = JSON.stringify([...world.index.entriesOf('Service'), ...world.index.entriesOf('Route')]);
    plan(world, { documents: [service('a', [1])], removals: [removal('Route', 'r')] });
    plan(world, { documents: [route('r', 'nowhere')] });
    const after = JSON.stringify([...world.index.entriesOf('Service'), ...world.index.entriesOf('Route')]);
    assert.equal(after, before);
  });

  it('refuses two documents of one object', async (t) => {
    const world = await openWorld(t);
    const [problem] = refused(
      plan(world, { documents: [service('a'), service('b'), service('a', [1])] }),
      'invalid',
    );
    assert.equal(problem?.code, 'duplicate');
    assert.equal(problem?.document, 2);
    assert.match(problem?.detail ?? '', /first in document 0/);
    made(plan(world, { documents: [service('a'), service('a', [1], { namespace: 'shop' })] }));
  });

  it('refuses an object that is to be written and removed', async (t) => {
    const world = await worldWith(t, [service('a')]);
    const [problem] = refused(
      plan(world, { documents: [service('a', [1])], removals: [removal('Service', 'a')] }),
      'invalid',
    );
    assert.equal(problem?.code, 'exclusive');
  });

  it('orders its refusals as the API orders statuses: invalid, not found, conflict, referenced', async (t) => {
    const world = await worldWith(t, [service('a'), route('r', 'a')]);
    const stale = service('b', [1], { resourceVersion: '7' });
    const removals = [removal('Service', 'a'), removal('Service', 'nope')];
    const all = { documents: [stale, route('bad', 'nowhere')], removals };
    assert.equal(refused(plan(world, all), 'invalid').length, 1);
    assert.match(
      refused(plan(world, { documents: [stale], removals }), 'not_found')[0]!.detail,
      /service\/default\/nope does not exist/,
    );
    refused(plan(world, { documents: [stale], removals: removals.slice(0, 1) }), 'conflict');
    refused(plan(world, { removals: removals.slice(0, 1) }), 'referenced');
  });
});

describe('references of a plan', () => {
  it('resolve within the request, in any order', async (t) => {
    const world = await openWorld(t);
    const parts = [
      route('r', 'a', { gateways: ['edge/two'] }),
      service('a'),
      gateway('edge', ['one', 'two']),
    ];
    made(plan(world, { documents: parts }));
    made(plan(world, { documents: parts.toReversed() }));
  });

  it('are told when they lead nowhere, with the name that was meant', async (t) => {
    const world = await worldWith(t, [service('orders'), service('orders', [1], { namespace: 'shop' })]);
    const [problem] = refused(plan(world, { documents: [service('x'), route('r', 'order')] }), 'invalid');
    assert.deepEqual(problem, {
      document: 1,
      resource: 'route/default/r',
      pointer: '/spec/backends/0/service',
      code: 'unknown_reference',
      detail: 'no Service named "order"',
      hint: 'did you mean "orders"?',
    });
  });

  it('stay within the namespace', async (t) => {
    const world = await worldWith(t, [service('a')]);
    const [problem] = refused(
      plan(world, { documents: [route('r', 'a', {}, { namespace: 'shop' })] }),
      'invalid',
    );
    assert.equal(problem?.detail, 'no Service named "a" in namespace shop');
    assert.equal(problem?.hint, undefined);
  });

  it('may name the Gateway default that nobody wrote, but no other', async (t) => {
    const world = await worldWith(t, [service('a')]);
    made(plan(world, { documents: [route('r', 'a')] }));
    made(plan(world, { documents: [route('r', 'a', { gateways: ['default/http'] })] }));
    const problems = refused(
      plan(world, { documents: [route('r', 'a', { gateways: ['edge', 'default/https'] })] }),
      'invalid',
    );
    assert.deepEqual(
      problems.map(({ pointer, detail }) => [pointer, detail]),
      [
        ['/spec/gateways/0', 'no Gateway named "edge"'],
        ['/spec/gateways/1', 'gateway/default has no listener "https" (it has http)'],
      ],
    );
  });

  it('protect what they lead to from removal, naming every referrer', async (t) => {
    const world = await worldWith(t, [service('a'), route('r1', 'a'), route('r2', 'a')]);
    const problems = refused(plan(world, { removals: [removal('Service', 'a')] }), 'referenced');
    assert.deepEqual(
      problems.map(({ resource, pointer, code, detail }) => [resource, pointer, code, detail]),
      ['r1', 'r2'].map((name) => [
        `route/default/${name}`,
        '/spec/backends/0/service',
        'referenced',
        'refers to service/default/a',
      ]),
    );
    const together = [removal('Service', 'a'), removal('Route', 'r1'), removal('Route', 'r2')];
    assert.equal(made(plan(world, { removals: together })).changes.length, 3);
    made(
      plan(world, {
        documents: [service('b'), route('r1', 'b'), route('r2', 'b')],
        removals: [removal('Service', 'a')],
      }),
    );
  });

  it('protect a listener of a Gateway that is written without it', async (t) => {
    const world = await worldWith(t, [
      service('a'),
      gateway('edge', ['one', 'two']),
      route('r', 'a', { gateways: ['edge/two'] }),
    ]);
    const [problem] = refused(plan(world, { documents: [gateway('edge', ['one'])] }), 'referenced');
    assert.equal(problem?.detail, 'refers to listener two of gateway/edge');
    made(plan(world, { documents: [gateway('edge', ['two', 'three'])] }));
  });

  it('fall back to the unwritten Gateway when default is deleted, if that has the listener', async (t) => {
    const world = await worldWith(t, [
      service('a'),
      gateway('default', ['http', 'extra']),
      route('r', 'a', { gateways: ['default/http'] }),
    ]);
    const removals = [{ kind: 'Gateway', name: 'default' }];
    made(plan(world, { removals }));
    await world.write([route('r', 'a', { gateways: ['default/extra'] })]);
    refused(plan(world, { removals }), 'referenced');
  });

  it('to and from documents that do not validate are told too', async (t) => {
    const world = await openWorld(t);
    const broken: BrokenDocument = {
      document: 1,
      problems: [{ code: 'unknown_field', pointer: '/spec/x', detail: 'unknown field' }],
      manifest: { kind: 'Service', metadata: { name: 'a', namespace: 'default' } },
      references: [],
    };
    const brokenRoute: BrokenDocument = {
      document: 2,
      problems: [{ code: 'unknown_field', pointer: '/spec/match', detail: 'unknown field' }],
      manifest: { kind: 'Route', metadata: { name: 'r2', namespace: 'default' } },
      references: [{ pointer: '/spec/backends/0/service', kind: 'Service', name: 'gone' }],
    };
    const problems = refused(
      plan(world, { documents: [route('r', 'a')], broken: [broken, brokenRoute] }),
      'invalid',
    );
    assert.deepEqual(
      problems.map(({ document, resource, pointer }) => [document, resource, pointer]),
      [
        [1, 'service/default/a', '/spec/x'],
        [2, 'route/default/r2', '/spec/backends/0/service'],
        [2, 'route/default/r2', '/spec/match'],
      ],
    );
  });

  it('cost little when thousands of them lead nowhere', async (t) => {
    const world = await worldWith(
      t,
      Array.from({ length: 3000 }, (_, index) => service(`service-${index}`)),
    );
    const documents = Array.from({ length: 2000 }, (_, index) => route(`r${index}`, `servce-${index}`));
    const startedMs = performance.now();
    const problems = refused(plan(world, { documents }), 'invalid');
    // About 0.1 s; looking for the name that was meant each time took 17 s.
    assert.ok(performance.now() - startedMs < 15_000);
    assert.equal(problems.length, 2000);
    assert.equal(problems.filter(({ hint }) => hint !== undefined).length, 20);
  });
});

describe('versions of a plan', () => {
  it('conflict when the document was read from another one', async (t) => {
    const world = await worldWith(t, [service('a')]);
    made(plan(world, { documents: [service('a', [1], { resourceVersion: '1' })] }));
    made(plan(world, { documents: [service('new', [1], { resourceVersion: '0' })] }));
    const [problem] = refused(
      plan(world, { documents: [service('a', [1], { resourceVersion: '9' })] }),
      'conflict',
    );
    assert.equal(problem?.detail, 'service/default/a is at resourceVersion 1, not 9');
    assert.equal(problem?.pointer, '/metadata/resourceVersion');
    const [gone] = refused(
      plan(world, { documents: [service('gone', [1], { resourceVersion: '4' })] }),
      'conflict',
    );
    assert.match(gone?.detail ?? '', /does not exist/);
  });
});

describe('mass deletion', () => {
  const routes = (count: number, from = 0): Manifest[] =>
    Array.from({ length: count }, (_, index) => route(`r${from + index}`, 'a'));
  const removals = (count: number): Identity[] =>
    Array.from({ length: count }, (_, index) => removal('Route', `r${index}`));

  it('is refused from ten Routes on when it is more than half of them, unless it is forced', async (t) => {
    const world = await worldWith(t, [service('a'), ...routes(20)]);
    made(plan(world, { removals: removals(10) }));
    const [problem] = refused(plan(world, { removals: removals(11) }), 'mass_deletion');
    assert.equal(problem?.detail, 'this removes 11 of 20 Routes');
    assert.match(problem?.hint ?? '', /force=true/);
    made(plan(world, { removals: removals(11), force: true }));
  });

  it('is no concern below ten Routes', async (t) => {
    const world = await worldWith(t, [service('a'), ...routes(9)]);
    made(plan(world, { removals: removals(9) }));
    await world.write(routes(1, 9));
    refused(plan(world, { removals: removals(10) }), 'mass_deletion');
  });
});

describe('secrets of a plan', () => {
  it('bring values once, keep (hidden) ones, and purge the rest', async (t) => {
    const world = await openWorld(t);
    const created = made(plan(world, { documents: [secret('s', { a: 'one', b: 'two' })] }));
    assert.deepEqual(
      created.secrets.map(({ value }) => value),
      ['one', 'two'],
    );
    assert.doesNotMatch(JSON.stringify(created.changes), /"one"|"two"/);
    await world.write([secret('s', { a: 'one', b: 'two' })]);
    const again = made(plan(world, { documents: [secret('s', { a: '(hidden)', b: '(hidden)' })] }));
    assert.equal(again.objects[0]?.outcome, 'unchanged');
    const changed = made(plan(world, { documents: [secret('s', { a: '(hidden)', b: 'three' })] }));
    assert.equal(changed.objects[0]?.outcome, 'configured');
    assert.equal(changed.purgedSecrets.length, 1);
    const deleted = made(plan(world, { removals: [removal('Secret', 's')] }));
    assert.equal(deleted.purgedSecrets.length, 2);
  });

  it('refuse (hidden) where nothing is stored', async (t) => {
    const world = await openWorld(t);
    const [problem] = refused(plan(world, { documents: [secret('s', { a: '(hidden)' })] }), 'invalid');
    assert.equal(problem?.code, 'missing');
    assert.equal(problem?.pointer, '/spec/data/a');
    assert.equal(problem?.document, 0);
  });
});

describe('what a node could not build', () => {
  const withEndpoint = (address: string, port = 80): Manifest =>
    manifest('Service', 'a', { endpoints: [{ address, port }] });

  it('refuses metadata, link-local and unspecified addresses in every spelling', async (t) => {
    const world = await openWorld(t);
    for (const address of [
      '169.254.169.254',
      '::ffff:169.254.169.254',
      '::ffff:a9fe:a9fe',
      'fe80::1',
      'fd00:ec2::254',
      '0.0.0.0',
      '::',
    ]) {
      const [problem] = refused(plan(world, { documents: [withEndpoint(address)] }), 'invalid');
      assert.equal(problem?.code, 'forbidden_address', address);
      assert.equal(problem?.pointer, '/spec/endpoints/0/address');
    }
    for (const address of ['10.0.0.1', '127.0.0.1', '::1', '2001:db8::1', 'example.com'])
      made(plan(world, { documents: [withEndpoint(address)] }));
  });

  it("refuses the control plane's own listeners in every spelling of loopback", async (t) => {
    const world = await openWorld(t);
    for (const address of [
      '127.0.0.1',
      '127.1.2.3',
      'localhost',
      '::1',
      '::ffff:127.0.0.1',
      '0:0:0:0:0:0:0:1',
    ])
      refused(plan(world, { documents: [withEndpoint(address, 7080)] }), 'invalid');
    made(plan(world, { documents: [withEndpoint('127.0.0.1', 7081)] }));
    made(plan(world, { documents: [withEndpoint('10.0.0.1', 7080)] }));
  });

  it('refuses two listeners that nothing tells apart', async (t) => {
    const world = await openWorld(t);
    const listeners = (...hosts: string[][]): Manifest =>
      manifest('Gateway', 'edge', {
        listeners: hosts.map((each, index) => ({ name: `l${index}`, port: 80, hosts: each })),
      });
    const [problem] = refused(plan(world, { documents: [listeners([], [])] }), 'invalid');
    assert.equal(problem?.pointer, '/spec/listeners/1');
    refused(plan(world, { documents: [listeners(['a.com', 'b.com'], ['b.com'])] }), 'invalid');
    made(plan(world, { documents: [listeners(['a.com'], ['b.com'], [])] }));
  });
});

describe('warnings of a plan', () => {
  const twin = (name: string, spec = {}, place = {}): Manifest =>
    route(name, 'a', { hosts: ['x.com'], matches: [{ path: { prefix: '/same' } }], ...spec }, place);

  it('name both Routes that match exactly the same requests, and which one wins', async (t) => {
    const world = await worldWith(t, [service('a'), twin('b')]);
    assert.deepEqual(made(plan(world, { documents: [twin('a')] })).warnings, [
      'route/b and route/a match exactly the same requests; route/a wins by name, route/b will never be chosen',
    ]);
    assert.match(
      made(plan(world, { documents: [twin('a', { priority: -1 })] })).warnings[0]!,
      /route\/b wins by priority, route\/a will never/,
    );
    assert.deepEqual(made(plan(world, { documents: [twin('c', { hosts: ['y.com'] })] })).warnings, []);
    assert.deepEqual(
      made(plan(world, { documents: [twin('c', { matches: [{ path: { exact: '/same' } }] })] })).warnings,
      [],
    );
  });

  it('are also of Routes within the request, and of unchanged ones, and end with the twin', async (t) => {
    const world = await worldWith(t, [service('a')]);
    assert.equal(made(plan(world, { documents: [twin('a'), twin('b')] })).warnings.length, 1);
    await world.write([twin('a'), twin('b')]);
    assert.equal(made(plan(world, { documents: [twin('a')] })).warnings.length, 1);
    assert.deepEqual(
      made(plan(world, { documents: [twin('a')], removals: [removal('Route', 'b')] })).warnings,
      [],
    );
    await world.write([], [removal('Route', 'b')]);
    assert.deepEqual(made(plan(world, { documents: [twin('a')] })).warnings, []);
  });

  it('are of the Routes as they will be, not as they were', async (t) => {
    const world = await worldWith(t, [service('a'), twin('a')]);
    const moved = twin('a', { matches: [{ path: { prefix: '/elsewhere' } }] });
    assert.deepEqual(made(plan(world, { documents: [moved, twin('b')] })).warnings, []);
  });

  it('are cut to a readable number', async (t) => {
    const world = await worldWith(t, [service('a')]);
    const documents = Array.from({ length: 60 }, (_, index) => twin(`r${index}`));
    assert.equal(made(plan(world, { documents })).warnings.length, 20);
  });
});
