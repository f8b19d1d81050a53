import { object } from '../fields.ts';
import type { FilterKind } from './filter-kind.ts';

const grpcWebSpec = object(
  {},
  'Makes calls by gRPC of calls by gRPC-Web, which pages in browsers make. All else passes as it is; what pages of other origins may do says cors.',
);

export const grpcWebFilter: FilterKind<typeof grpcWebSpec> = {
  key: 'grpcWeb',
  spec: grpcWebSpec,
  phase: 'translation',
  mayRepeat: false,
  summary: () => 'gRPC-Web',
};
