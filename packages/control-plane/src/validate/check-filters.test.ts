import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { ApiProblem } from '@causeway/model/api-types';
import type { Identity, Manifest, Spec } from '@causeway/model/resource';
import { manifest, service } from '../testing/manifests.ts';
import { openWorld } from '../testing/world.ts';

const hello = { respond: { body: 'hello' } };
const gatewaySpec = { listeners: [{ name: 'http', port: 8080 }] };
const middleware = (name: string, ...filters: object[]): Manifest =>
  manifest('Middleware', name, { filters });
const gateway = (...filters: object[]): Manifest =>
  manifest('Gateway', 'default', { ...gatewaySpec, filters });
const route = (name: string, spec: Spec): Manifest =>
  manifest('Route', name, { hosts: [`${name}.test`], ...spec });
const toA = { backends: [{ service: 'a' }] };

async function worldOf(t: TestContext, ...documents: Manifest[]) {
  const world = await openWorld(t);
  const write = async (more: readonly Manifest[], removals: readonly Identity[] = []): Promise<unknown> => {
    const outcome = await world.write(more, removals);
    if (!outcome.refused) return { warnings: outcome.warnings };
    return { refused: outcome.refused, problems: outcome.problems.map(shown) };
  };
  assert.deepEqual(await write([service('a'), ...documents]), { warnings: [] });
  return write;
}

const shown = ({ resource, pointer, code, detail }: ApiProblem): string =>
  `${resource} ${pointer} ${code}: ${detail}`;
const invalid = (...problems: string[]): unknown => ({ refused: 'invalid', problems });

describe('filters together', () => {
  it('decide whether a Route needs backends, wherever the filter that answers comes from', async (t) => {
    const write = await worldOf(t, middleware('answers', hello), middleware('empty'));
    const withOne = (name: string): Spec => ({ filters: [{ middleware: name }] });
    assert.deepEqual(await write([route('r', withOne('answers'))]), { warnings: [] });
    assert.deepEqual(await write([route('q', { ...withOne('empty'), ...toA })]), { warnings: [] });
    assert.deepEqual(
      await write([route('r1', withOne('empty')), route('r2', { ...withOne('answers'), ...toA })]),
      invalid(
        'route/default/r1 /spec/backends missing: required: a list of Services',
        'route/default/r2 /spec/backends exclusive: filter "respond" answers every request, so no backend is ever asked',
      ),
    );
    const removed = { filters: [{ middleware: 'answers' }, { name: 'respond', disabled: true }], ...toA };
    assert.deepEqual(await write([route('r3', removed)]), { warnings: [] });
  });

  it('are judged again where a Middleware changes, and the fault stands at the Middleware', async (t) => {
    const write = await worldOf(
      t,
      middleware('answers', hello),
      middleware('empty'),
      route('r', { filters: [{ middleware: 'answers' }] }),
      route('q', { filters: [{ middleware: 'empty' }], ...toA }),
    );
    assert.deepEqual(
      await write([middleware('answers'), middleware('empty', hello)]),
      invalid(
        'middleware/default/answers /spec/filters missing: route/default/r /spec/backends: required: a list of Services',
        'middleware/default/empty /spec/filters exclusive: route/default/q /spec/backends: filter "respond" answers every request, so no backend is ever asked',
      ),
    );
    const together = [middleware('answers'), route('r', { filters: [{ middleware: 'answers' }], ...toA })];
    assert.deepEqual(await write(together), { warnings: [] });
  });

  it('may be inherited from the Gateway, which leaves the backends of its Routes alone', async (t) => {
    const write = await worldOf(t, gateway(hello), route('r', toA));
    assert.deepEqual(await write([route('q', { filters: [{ name: 'respond', disabled: true }], ...toA })]), {
      warnings: [],
    });
  });

  it('stand once where their kind may, on Route and Gateway together', async (t) => {
    const closed = { name: 'closed', ...hello };
    const write = await worldOf(t, gateway(), middleware('m', closed));
    const twice = 'respond may stand once, and filter "closed" is one';
    assert.deepEqual(await write([gateway(closed), route('same', { filters: [{ ...closed }] })]), {
      warnings: [],
    });
    assert.deepEqual(
      await write([route('other', { filters: [{ name: 'gone', disabled: true }, hello] })]),
      invalid(`route/default/other /spec/filters/1 duplicate: ${twice}`),
    );
    // The Routes are not told about what is the Gateway's own fault.
    assert.deepEqual(
      await write([gateway({ middleware: 'm' }, hello)]),
      invalid(`gateway/default /spec/filters/1 duplicate: ${twice}`),
    );
  });

  it('that a Gateway brings must fit every Route that is there', async (t) => {
    const write = await worldOf(
      t,
      gateway({ middleware: 'm' }),
      middleware('m'),
      route('r', { filters: [hello] }),
    );
    const problem = 'route/default/r /spec/filters/0: respond may stand once, and filter "closed" is one';
    assert.deepEqual(
      await write([middleware('m', { name: 'closed', ...hello })]),
      invalid(`middleware/default/m /spec/filters duplicate: ${problem}`),
    );
    assert.deepEqual(
      await write([gateway({ name: 'closed', ...hello })]),
      invalid(`gateway/default /spec/filters duplicate: ${problem}`),
    );
  });

  it('cannot lose a Middleware that is named, and names that lead nowhere are refused', async (t) => {
    const write = await worldOf(t, middleware('m', hello), gateway({ middleware: 'm' }), route('r', toA));
    assert.deepEqual(await write([], [{ kind: 'Middleware', namespace: 'default', name: 'm' }]), {
      refused: 'referenced',
      problems: ['gateway/default /spec/filters/0/middleware referenced: refers to middleware/default/m'],
    });
    assert.deepEqual(
      await write([route('r', { filters: [{ middleware: 'n' }] })]),
      invalid('route/default/r /spec/filters/0/middleware unknown_reference: no Middleware named "n"'),
    );
  });

  it('warn of a removal that removes nothing', async (t) => {
    const write = await worldOf(t, gateway(hello));
    const removing = (name: string): Manifest => route('r', { filters: [{ name, disabled: true }], ...toA });
    assert.deepEqual(await write([removing('respond')]), { warnings: [] });
    assert.deepEqual(await write([removing('respnd')]), {
      warnings: ['route/default/r disables filter "respnd", which nothing brings'],
    });
  });
});
