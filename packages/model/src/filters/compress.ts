import type { z } from 'zod';
import { choice, line, list, object, size } from '../fields.ts';
import type { FilterKind } from './filter-kind.ts';

const mediaType = line('a media type', 'A media type, or text/* for all of a kind.', 127).regex(
  /^[a-z0-9!#$&^_.+-]+\/(\*|[a-z0-9!#$&^_.+-]+)$/i,
);

const compressSpec = object(
  {
    encodings: list(choice('A content coding.', ['zstd', 'br', 'gzip']), {
      description: 'Codings, in order of preference where the client has none.',
      min: 1,
      max: 3,
      key: '',
    }).default(['zstd', 'br', 'gzip']),
    minSize: size.default('1KiB').describe('Smaller bodies go out as they are, where their size is known.'),
    types: list(mediaType, {
      description:
        'Media types that are compressed. Never event streams, NDJSON and gRPC, nor what is encoded already.',
      min: 1,
      max: 100,
      key: '',
    }).default(['text/*', 'application/json', 'application/javascript', 'image/svg+xml']),
  },
  'Makes bodies of responses smaller for clients that say they can read them so.',
);

export type CompressSpec = z.output<typeof compressSpec>;

export const compressFilter: FilterKind<typeof compressSpec> = {
  key: 'compress',
  spec: compressSpec,
  phase: 'compression',
  mayRepeat: false,
  summary: ({ encodings }) => `compress ${encodings.join(', ')}`,
};
