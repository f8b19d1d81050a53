/** What clients may call of a Service by HTTP and JSON. */

import type { TranscodeSpec } from '@causeway/model/filters/transcode';
import type { RouteSpec } from '@causeway/model/kinds/route';
import { resourceKey } from '@causeway/model/resource';
import type { Request } from 'express';
import { readFileSet, registryOf } from '../descriptors/descriptor-files.ts';
import { descriptorBytes } from '../descriptors/read-descriptors.ts';
import { type TranscodedSurface, transcodedOpenApi } from '../descriptors/transcoded-openapi.ts';
import { writtenFilters } from '../validate/effective-filters.ts';
import { type Answer, queryParameters } from './answer.ts';
import { type ApiContext, existingService } from './context.ts';

/** Surfaces that one document is made of. */
const surfacesMax = 20;

/** 200, without paths where no Route transcodes. */
export function serviceOpenApi(
  context: ApiContext,
  request: Request,
  namespace: string,
  name: string,
): Answer {
  queryParameters(request, []);
  const service = existingService(context, namespace, name);
  const surfaces = new Map<string, TranscodedSurface>();
  for (const key of context.index.referrersOf(service.key)) {
    const route = context.index.get(key);
    if (route?.resource.kind !== 'Route') continue;
    const { backends } = route.effective as RouteSpec;
    if (!backends.some((backend) => backend.service === name)) continue;
    const filter = writtenFilters(route, context.index).findLast(
      ({ kind, isRemoval }) => kind?.key === 'transcode' && !isRemoval,
    );
    if (filter === undefined || surfaces.size === surfacesMax) continue;
    const spec = filter.spec as TranscodeSpec;
    const known = JSON.stringify(spec);
    const surface = surfaces.has(known) ? undefined : surfaceOf(context, namespace, spec);
    if (surface !== undefined) surfaces.set(known, surface);
  }
  return { status: 200, body: transcodedOpenApi(name, [...surfaces.values()]) };
}

function surfaceOf(
  { index }: ApiContext,
  namespace: string,
  { descriptors, services, json }: TranscodeSpec,
): TranscodedSurface | undefined {
  const set = index.get(resourceKey({ kind: 'DescriptorSet', namespace, name: descriptors }));
  const bytes = set && descriptorBytes(set);
  return bytes && { registry: registryOf(readFileSet(bytes)), services, names: json };
}
