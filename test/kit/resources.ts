// The smallest resources that carry traffic, for tests that are about something else.

export interface Resource {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: object;
}

/** Gateway `default` with one HTTP listener on a free loopback port, which the node logs. */
export function gateway(spec: object = {}): Resource {
  const listeners = [{ name: 'http', address: '127.0.0.1', port: 0 }];
  return { kind: 'Gateway', metadata: { name: 'default' }, spec: { listeners, ...spec } };
}

/** A Service with an endpoint on loopback for every port. */
export function service(name: string, ports: readonly number[], spec: object = {}): Resource {
  const endpoints = ports.map((port) => ({ address: '127.0.0.1', port }));
  return { kind: 'Service', metadata: { name }, spec: { endpoints, ...spec } };
}

/** A Route of every request below `prefix` to one Service. */
export function route(name: string, prefix: string, serviceName: string, spec: object = {}): Resource {
  const matches = [{ path: { prefix } }];
  return {
    kind: 'Route',
    metadata: { name },
    spec: { matches, backends: [{ service: serviceName }], ...spec },
  };
}

/** The resources as one stream of YAML documents. */
export function documents(resources: readonly Resource[]): string {
  // JSON is YAML, and leaves nothing to the quoting rules of an emitter.
  return resources
    .map((resource) => JSON.stringify({ apiVersion: 'causeway/v1', ...resource }))
    .join('\n---\n');
}
