import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createNodeShared, NodeShared } from '../counts/node-shared.ts';
import { EndpointPlaces, type PlaceTells, type PlaceUser } from './endpoint-places.ts';

/** The places of two workers, whose messages reach each other at once, as a supervisor passes them on. */
function twoWorkers(): { places: readonly [EndpointPlaces, EndpointPlaces]; told: string[] } {
  const memory = createNodeShared(2);
  const told: string[] = [];
  const tellsOf = (other: () => EndpointPlaces): PlaceTells => ({
    wantPlace(want) {
      told.push(want.isWanted ? 'want' : 'enough');
      other().onWanted(want);
    },
    freedPlace(endpoint) {
      told.push('freed');
      other().onFreed(endpoint);
    },
  });
  const placesOf = (worker: number, other: () => EndpointPlaces): EndpointPlaces =>
    new EndpointPlaces(new NodeShared(memory, worker).endpoints, 2, tellsOf(other));
  const first: EndpointPlaces = placesOf(0, () => second);
  const second: EndpointPlaces = placesOf(1, () => first);
  return { places: [first, second], told };
}

class User implements PlaceUser {
  readonly heard: string[] = [];

  giveUpFree(): void {
    this.heard.push('give up');
  }

  openForWaiting(): void {
    this.heard.push('open');
  }
}

describe('places of an endpoint', () => {
  it('are as many as it has, over all workers', () => {
    const { places } = twoWorkers();
    const [one, other] = places.map((each) => each.of('e', new User()));
    assert.deepEqual(
      [one!.take(2), other!.take(2), one!.take(2), other!.take(2)],
      [true, true, false, false],
    );
    assert.equal(one!.taken, 2);
    one!.giveBack();
    assert.deepEqual([other!.take(2), one!.take(2)], [true, false]);
    assert.equal(places[0].of('another', new User()).take(1), true);
  });

  it('count those who wait, but for whom a connection is being opened already', () => {
    const [one, other] = twoWorkers().places.map((each) => each.of('e', new User()));
    one!.addWaiting(1);
    other!.addWaiting(1);
    other!.addConnecting(1);
    assert.deepEqual([one!.waiting, other!.waiting], [1, 1]);
    other!.addConnecting(-1);
    other!.addWaiting(-1);
    one!.addWaiting(-1);
    assert.equal(other!.waiting, 0);
  });

  it('are given up for a worker that has none, which learns of it', () => {
    const { places, told } = twoWorkers();
    const [poor, rich] = [new User(), new User()];
    const [of, from] = [places[0].of('e', poor), places[1].of('e', rich)];
    assert.equal(from.take(1), true);
    of.want(true);
    of.want(true);
    assert.deepEqual([rich.heard, from.isWantedByOthers, of.isWantedByOthers], [['give up'], true, false]);
    from.giveBack();
    assert.deepEqual(poor.heard, ['open']);
    assert.equal(of.take(1), true);
    of.want(false);
    assert.equal(from.isWantedByOthers, false);
    of.giveBack();
    assert.deepEqual(told, ['want', 'freed', 'enough']);
  });

  it('concern nobody who has closed', () => {
    const { places } = twoWorkers();
    const user = new User();
    const closed = places[1].of('e', user);
    closed.close();
    places[0].of('e', new User()).want(true);
    places[1].onFreed('e');
    assert.deepEqual(user.heard, []);
  });

  it('are shared evenly while others are in want, and nobody goes without', () => {
    const [places] = twoWorkers().places;
    assert.deepEqual([places.shareOf(10), places.shareOf(3), places.shareOf(1)], [5, 1, 1]);
  });
});
