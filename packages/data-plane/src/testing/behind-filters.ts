/** A node whose only Route runs through given filters. */

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Filter } from '@causeway/filters/filter';
import { FilterChain } from '@causeway/filters/filter-chain';
import { sharedGet } from '@causeway/router/shared-map';

import { before } from './node-before.ts';
import { type NodeFixture, routeItem, type Serve } from './node-fixture.ts';

export async function behindFilters(
  context: TestContext,
  filters: readonly Filter[],
  serve: Serve,
  init = {},
): Promise<NodeFixture> {
  const fixture = await before(context, serve, [routeItem('r', '/', init)]);
  const route = sharedGet(fixture.node.table?.routes, 'default/r');
  assert.ok(route);
  const chain = new FilterChain(filters);
  Object.defineProperty(route.filters, 'chainIn', { value: () => chain });
  return fixture;
}
