import assert from 'node:assert/strict';
import type { Manifest, Spec } from '@causeway/model/resource';
import type { IssuedCertificate } from '@causeway/runtime/testing/test-authority';
import { validateDocument } from '@causeway/model/validate-document';

/** Small valid manifests, for tests that are about something else than their schema. */

interface Place {
  namespace?: string;
  labels?: Record<string, string>;
  resourceVersion?: string;
}

/** The manifest of a document; fails when it does not validate. */
export function manifest(kind: string, name: string, spec: Spec, place: Place = {}): Manifest {
  const validated = validateDocument({
    apiVersion: 'causeway/v1',
    kind,
    metadata: { name, ...place },
    spec,
  });
  assert.deepEqual(validated.problems, undefined);
  return validated.manifest;
}

export function service(name: string, ports: readonly number[] = [9001], place: Place = {}): Manifest {
  const endpoints = ports.map((port) => ({ address: '127.0.0.1', port }));
  return manifest('Service', name, { endpoints }, place);
}

/** A Route of a prefix of its own to one Service. */
export function route(name: string, serviceName: string, spec: Spec = {}, place: Place = {}): Manifest {
  const matches = [{ path: { prefix: `/${name}` } }];
  return manifest('Route', name, { matches, backends: [{ service: serviceName }], ...spec }, place);
}

export function gateway(name: string, listeners: readonly string[] = ['http']): Manifest {
  return manifest('Gateway', name, {
    listeners: listeners.map((listener, index) => ({ name: listener, port: 8080 + index })),
  });
}

export function secret(name: string, data: Record<string, string>, place: Place = {}): Manifest {
  return manifest('Secret', name, { data }, place);
}

export function certificate(name: string, spec: Spec | IssuedCertificate, place: Place = {}): Manifest {
  return manifest('Certificate', name, { ...spec }, place);
}
