import { apiVersion } from '@causeway/model/resource';
import { type Entry, entryOf } from './resource-index.ts';

/** The Gateway `default` that exists without being written: one HTTP listener on 8080, every default. */
export const implicitGateway: Entry = entryOf(
  {
    apiVersion,
    kind: 'Gateway',
    metadata: {
      name: 'default',
      annotations: { 'causeway/implicit': 'true' },
      uid: '00000000-0000-0000-0000-000000000000',
      resourceVersion: '0',
      generation: 0,
      creationTimestamp: '1970-01-01T00:00:00.000Z',
    },
    spec: {},
  },
  '1970-01-01T00:00:00.000Z',
);
