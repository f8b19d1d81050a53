import { test } from 'node:test';
import { startSystem } from '../../kit/processes.ts';
import { startTranscript } from './transcript.ts';

const middleware = `apiVersion: causeway/v1
kind: Middleware
metadata: {name: closed}
spec:
  filters:
    - name: closed
      respond: {status: 503, body: "closed\\n"}
---
apiVersion: causeway/v1
kind: Gateway
metadata: {name: default}
spec:
  listeners: [{name: http, port: 8080}]
  filters: [{middleware: closed}]
---
apiVersion: causeway/v1
kind: Service
metadata: {name: shop}
spec:
  endpoints: [{address: 127.0.0.1, port: 9001}]
---
apiVersion: causeway/v1
kind: Route
metadata: {name: shop}
spec:
  hosts: [shop.example.com]
  backends: [{service: shop}]
---
apiVersion: causeway/v1
kind: Route
metadata: {name: open}
spec:
  hosts: [open.example.com]
  filters:
    - {name: closed, disabled: true}
    - name: hello
      respond: {body: "hello \${request.header.user-agent}\\n"}
`;

test('filters: who brings them, in which order they run, what is wrong with them', async (t) => {
  const { controlPlane } = await startSystem(t, { nodes: [] });
  const session = await startTranscript(t, { config: controlPlane.gwctlConfig });
  await session.file(
    'shop.yaml',
    middleware.replace('user-agent}', 'user-agent').replace('middleware: closed', 'middleware: close'),
  );
  await session.gwctl('apply', '-f', 'shop.yaml');
  await session.file('shop.yaml', middleware);
  await session.gwctl('apply', '-f', 'shop.yaml');
  await session.gwctl('get', 'middlewares');
  await session.gwctl('get', 'mw', '-o', 'wide');
  await session.gwctl('get', 'routes', '-o', 'wide');
  await session.gwctl('get', 'gateways', '-o', 'wide');
  await session.gwctl('describe', 'middleware', 'closed');
  await session.gwctl('describe', 'route', 'open');
  await session.gwctl('describe', 'gateway', 'default');
  await session.gwctl('route', 'explain', 'GET', 'http://shop.example.com/cart');
  await session.gwctl('route', 'explain', 'GET', 'http://open.example.com/');
  await session.gwctl('explain', 'route.spec.filters');
  await session.gwctl('explain', 'middleware.spec.filters.respond');
  await session.gwctl('delete', 'middleware', 'closed');
  await session.matches('filters');
});
