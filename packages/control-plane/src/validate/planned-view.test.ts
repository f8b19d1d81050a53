import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Manifest } from '@causeway/model/resource';
import { type Entry, entryOf } from '../store/resource-index.ts';
import { route, service } from '../testing/manifests.ts';
import { openWorld } from '../testing/world.ts';
import { PlannedView } from './planned-view.ts';

function planned({ metadata, ...rest }: Manifest): Entry {
  const set = { uid: 'u', resourceVersion: '9', generation: 1, creationTimestamp: '' };
  return entryOf({ ...rest, metadata: { ...metadata, ...set } }, '');
}

describe('PlannedView', () => {
  it('is the current configuration with what is put and without what is removed', async (t) => {
    const { index, write } = await openWorld(t);
    await write([service('a'), service('b'), route('kept', 'a'), route('moved', 'a'), route('gone', 'a')]);
    const view = new PlannedView(index);
    view.put(planned(route('moved', 'b')));
    view.put(planned(route('new', 'a')));
    view.remove('route/default/gone');
    const names = [...view.entriesOf('Route')].map(({ key }) => key).toSorted();
    assert.deepEqual(names, ['route/default/kept', 'route/default/moved', 'route/default/new']);
    assert.deepEqual([...view.entriesOf('Service')].length, 2);
    assert.equal(view.get('route/default/gone'), undefined);
    assert.equal(view.get('route/default/moved')?.resource.metadata.resourceVersion, '9');
    assert.equal(view.get('route/default/kept'), index.get('route/default/kept'));
    assert.deepEqual([...view.referrersOf('service/default/a')].toSorted(), [
      'route/default/kept',
      'route/default/new',
    ]);
    assert.deepEqual([...view.referrersOf('service/default/b')], ['route/default/moved']);
    assert.ok(index.get('route/default/gone'), 'the current one is as it was');
  });
});
