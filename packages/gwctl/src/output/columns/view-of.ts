import type {
  ConnectionResource,
  EndpointResource,
  NodeResource,
  RevisionResource,
} from '@causeway/model/api-types';
import type { Resource } from '@causeway/model/resource';
import type { KindView } from './column.ts';
import { apiSpecView } from './api-spec.ts';
import { authProviderView } from './auth-provider.ts';
import { certificateView } from './certificate.ts';
import { connectionView } from './connection.ts';
import { consumerView } from './consumer.ts';
import { descriptorSetView } from './descriptor-set.ts';
import { endpointView } from './endpoint.ts';
import { gatewayView } from './gateway.ts';
import { middlewareView } from './middleware.ts';
import { nodeView } from './node.ts';
import { pluginView } from './plugin.ts';
import { revisionView } from './revision.ts';
import { routeView } from './route.ts';
import { secretView } from './secret.ts';
import { serviceView } from './service.ts';
import { ageColumn, nameColumn } from './standard-columns.ts';

/** Whatever a listing gives; the kind says which. */
export type Listed = Resource | ConnectionResource | EndpointResource | NodeResource | RevisionResource;

const views = {
  Route: routeView,
  Service: serviceView,
  Gateway: gatewayView,
  Middleware: middlewareView,
  AuthProvider: authProviderView,
  ApiSpec: apiSpecView,
  DescriptorSet: descriptorSetView,
  Plugin: pluginView,
  Certificate: certificateView,
  Consumer: consumerView,
  Secret: secretView,
  Endpoint: endpointView,
  Connection: connectionView,
  Node: nodeView,
  Revision: revisionView,
} as unknown as Readonly<Record<string, KindView<Listed>>>;

const plain = { columns: [nameColumn, ageColumn] };
const plainView = { table: plain, wide: plain } as unknown as KindView<Listed>;

/** The view of a kind; name and age for one that this version has no columns for. */
export function viewOf(kind: string): KindView<Listed> {
  return views[kind] ?? plainView;
}
