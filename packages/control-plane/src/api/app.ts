import type { Kind } from '@causeway/model/kinds/kind';
import { kinds } from '@causeway/model/kinds/registry';
import { defaultNamespace, type Identity } from '@causeway/model/resource';
import { mediaTypes, restPaths } from '@causeway/model/rest';
import { createRequestId } from '@causeway/runtime/request-id';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { RouteTables } from '../explain/route-tables.ts';
import { revisionStatus } from '../status/revision-status.ts';
import { StoreError } from '../store/store.ts';
import {
  type Answer,
  answering,
  factsOf,
  flagParameter,
  queryParameters,
  type RequestFacts,
} from './answer.ts';
import { ApiError } from './api-error.ts';
import { apply } from './apply.ts';
import { createKey, revokeKey, rotateKey } from './consumer-keys.ts';
import { listConnections } from './connections.ts';
import type { ApiContext } from './context.ts';
import { docsPage } from './docs-page.ts';
import { getEndpoint, listEndpoints, serviceEndpoints } from './endpoints.ts';
import { refreshDescriptors } from './descriptors.ts';
import { explain } from './explain.ts';
import { guardOrigin, requireToken } from './guard.ts';
import { rotateKeys } from './keys.ts';
import { listObjects } from './list-objects.ts';
import { type Addressed, createObject, deleteObject, getObject, patchObject, putObject } from './objects.ts';
import { configDump, drainNode, restartWorkers } from './node-commands.ts';
import { openApiDocument } from './openapi.ts';
import { discardBody } from './read-body.ts';
import {
  existingRevision,
  getNode,
  getRevision,
  kindSchema,
  listKinds,
  listNodes,
  listRevisions,
  unknownKind,
} from './read-only.ts';
import { purgeCache } from './route-commands.ts';
import { serviceOpenApi } from './service-openapi.ts';
import { resetBreaker, serviceLoad } from './service-commands.ts';
import { watchRevision } from './watch-revision.ts';

export interface AdminAppOptions {
  /** Host names, besides localhost and addresses, by which the API may be called. */
  allowedHosts: readonly string[];
  /** The API is reached from this machine alone: metrics, version and documents need no token then. */
  openStatus: boolean;
}

/** The admin API. Authentication is mounted before any route, so what is added later is closed as well. */
export function adminApp(context: ApiContext, options: AdminAppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  app.enable('case sensitive routing');
  app.use((_request: Request, response: Response, next: NextFunction) => {
    const facts: RequestFacts = { requestId: createRequestId(), author: '' };
    Object.assign(response.locals, facts);
    response.setHeader('x-request-id', facts.requestId);
    response.setHeader('cache-control', 'no-store');
    next();
  });
  app.use(guardOrigin(options.allowedHosts));
  mountHealth(app, context, [restPaths.livez, restPaths.readyz]);
  if (options.openStatus) mountStatus(app, context);
  app.use(requireToken(context.tokens));
  if (!options.openStatus) mountStatus(app, context);
  mountActions(app, context);
  mountReadOnly(app, context);
  for (const kind of kinds) if (kind.spec) mountKind(app, context, kind);
  app.use((request: Request) => {
    const word = /\/(?:namespaces\/[^/]+\/)?([^/?]+)/.exec(request.path.slice(restPaths.root.length))?.[1];
    const isKind = kinds.some(({ plural }) => plural === word);
    if (request.path.startsWith(`${restPaths.root}/`) && word !== undefined && !isKind)
      throw unknownKind(word);
    throw new ApiError('not_found', `there is nothing at ${request.path}`);
  });
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) =>
    sendError(context, error, request, response),
  );
  return app;
}

function mountHealth(app: Express, context: ApiContext, paths: readonly string[]): void {
  for (const path of paths) {
    app.get(path, async (request: Request, response: Response) => {
      const page = await context.statusPages({ target: request.originalUrl, accept: request.headers.accept });
      if (!page) throw new ApiError('not_found', `there is nothing at ${path}`);
      response.status(page.status).setHeader('content-type', page.contentType);
      response.end(page.body);
    });
  }
}

function mountStatus(app: Express, context: ApiContext): void {
  mountHealth(app, context, [restPaths.metrics, restPaths.version]);
  mountDocuments(app, context);
}

function mountDocuments(app: Express, context: ApiContext): void {
  const document = openApiDocument(context.version);
  app.get(
    restPaths.openapi,
    answering(async (request) => ({ status: 200, body: (queryParameters(request, []), document) })),
  );
  app.get(restPaths.docs, (_request: Request, response: Response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.setHeader('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'");
    response.end(docsPage(document));
  });
}

function mountActions(app: Express, context: ApiContext): void {
  const tables = new RouteTables(context.index);
  app
    .route(restPaths.apply)
    .post(answering((request, facts) => apply(context, request, facts)))
    .all(onlyMethods('POST'));
  app
    .route(`${restPaths.root}/nodes/:name/restartWorkers`)
    .post(answering((request) => restartWorkers(context, request, parameter(request, 'name'))))
    .all(onlyMethods('POST'));
  app
    .route(`${restPaths.root}/nodes/:name/drain`)
    .post(answering(async (request) => drainNode(context, request, parameter(request, 'name'))))
    .all(onlyMethods('POST'));
  app
    .route(`${restPaths.root}/namespaces/:namespace/services/:name/resetBreaker`)
    .post(
      answering((request) =>
        resetBreaker(context, request, parameter(request, 'namespace'), parameter(request, 'name')),
      ),
    )
    .all(onlyMethods('POST'));
  const consumerKeys = `${restPaths.root}/namespaces/:namespace/consumers/:name/keys`;
  app
    .route(consumerKeys)
    .post(answering((request, facts) => createKey(context, request, facts, consumerIn(request))))
    .all(onlyMethods('POST'));
  app
    .route(`${consumerKeys}/:key`)
    .delete(
      answering((request, facts) =>
        revokeKey(context, request, facts, consumerIn(request), parameter(request, 'key')),
      ),
    )
    .all(onlyMethods('DELETE'));
  app
    .route(`${consumerKeys}/:key/rotate`)
    .post(
      answering((request, facts) =>
        rotateKey(context, request, facts, consumerIn(request), parameter(request, 'key')),
      ),
    )
    .all(onlyMethods('POST'));
  app
    .route(`${restPaths.root}/namespaces/:namespace/descriptorsets/:name/refresh`)
    .post(
      answering((request, facts) =>
        refreshDescriptors(context, request, facts, namedIn(request, 'DescriptorSet')),
      ),
    )
    .all(onlyMethods('POST'));
  app
    .route(`${restPaths.root}/namespaces/:namespace/routes/:name/purgeCache`)
    .post(
      answering((request) =>
        purgeCache(context, request, parameter(request, 'namespace'), parameter(request, 'name')),
      ),
    )
    .all(onlyMethods('POST'));
  app
    .route(`${restPaths.root}/keys/:purpose/rotate`)
    .post(answering((request, facts) => rotateKeys(context, request, facts, parameter(request, 'purpose'))))
    .all(onlyMethods('POST'));
  app
    .route(restPaths.explain)
    .post(answering((request) => explain(context, tables, request)))
    .all(onlyMethods('POST'));
}

function mountReadOnly(app: Express, context: ApiContext): void {
  const { root } = restPaths;
  const get = (path: string, handle: (request: Request) => Answer | Promise<Answer>): void => {
    app
      .route(path)
      .get(answering(async (request) => handle(request)))
      .all(onlyMethods('GET'));
  };
  get(root, listKinds);
  get(`${root}/schema/:plural`, (request) => kindSchema(request, parameter(request, 'plural')));
  get(`${root}/nodes`, (request) => listNodes(context, request));
  get(`${root}/nodes/:name`, (request) => getNode(context, request, parameter(request, 'name')));
  get(`${root}/nodes/:name/configDump`, (request) =>
    configDump(context, request, parameter(request, 'name')),
  );
  get(`${root}/endpoints`, (request) => listEndpoints(context, request, undefined));
  get(`${root}/namespaces/:namespace/endpoints`, (request) =>
    listEndpoints(context, request, parameter(request, 'namespace')),
  );
  get(`${root}/namespaces/:namespace/endpoints/:name`, (request) =>
    getEndpoint(context, request, parameter(request, 'namespace'), parameter(request, 'name')),
  );
  get(`${root}/namespaces/:namespace/services/:name/endpoints`, (request) =>
    serviceEndpoints(context, request, parameter(request, 'namespace'), parameter(request, 'name')),
  );
  get(`${root}/namespaces/:namespace/services/:name/load`, (request) =>
    serviceLoad(context, request, parameter(request, 'namespace'), parameter(request, 'name')),
  );
  get(`${root}/namespaces/:namespace/services/:name/openapi.json`, (request) =>
    serviceOpenApi(context, request, parameter(request, 'namespace'), parameter(request, 'name')),
  );
  get(`${root}/connections`, (request) => listConnections(context, request, undefined));
  get(`${root}/namespaces/:namespace/connections`, (request) =>
    listConnections(context, request, parameter(request, 'namespace')),
  );
  for (const path of [`${root}/connections/:name`, `${root}/namespaces/:namespace/connections/:name`])
    get(path, () => {
      throw new ApiError('not_found', 'connections are only listed; a fieldSelector finds some of them');
    });
  get(`${root}/revisions`, (request) => listRevisions(context, request));
  get(`${root}/revisions/:name`, (request) => getRevision(context, request, parameter(request, 'name')));
  app
    .route(`${root}/revisions/:name/status`)
    .get(async (request: Request, response: Response) => {
      const { watch } = queryParameters(request, ['watch']);
      const record = await existingRevision(context, parameter(request, 'name'));
      if (flagParameter('watch', watch)) return watchRevision(record, context.nodes, response);
      response.json(revisionStatus(record.revision, record.committedAt, context.nodes));
    })
    .all(onlyMethods('GET'));
}

function mountKind(app: Express, context: ApiContext, kind: Kind): void {
  const { root } = restPaths;
  const listed = (request: Request, namespace: string | undefined): Promise<Answer> =>
    listObjects(
      context,
      kind,
      namespace,
      queryParameters(request, ['limit', 'continue', 'labelSelector', 'fieldSelector']),
    ).then((body) => ({ status: 200, body }));
  const collection = kind.namespaced
    ? `${root}/namespaces/:namespace/${kind.plural}`
    : `${root}/${kind.plural}`;
  const namespaceOf = (request: Request): string | undefined =>
    kind.namespaced ? parameter(request, 'namespace') : undefined;
  if (kind.namespaced)
    app
      .route(`${root}/${kind.plural}`)
      .get(answering((request) => listed(request, undefined)))
      .all(onlyMethods('GET'));
  app
    .route(collection)
    .get(answering((request) => listed(request, namespaceOf(request))))
    .post(answering((request, facts) => createObject(context, kind, namespaceOf(request), request, facts)))
    .all(onlyMethods('GET, POST'));
  const object = (request: Request): Addressed => ({ kind, identity: identityIn(request, kind) });
  app
    .route(`${collection}/:name`)
    .get(answering(async (request) => getObject(context, object(request), request)))
    .put(answering((request, facts) => putObject(context, object(request), request, facts)))
    .patch(answering((request, facts) => patchObject(context, object(request), request, facts)))
    .delete(answering((request, facts) => deleteObject(context, object(request), request, facts)))
    .all(onlyMethods('GET, PUT, PATCH, DELETE'));
}

function identityIn(request: Request, kind: Kind): Identity {
  const name = parameter(request, 'name');
  return kind.namespaced
    ? { kind: kind.kind, namespace: parameter(request, 'namespace') ?? defaultNamespace, name }
    : { kind: kind.kind, name };
}

function consumerIn(request: Request): Identity {
  return namedIn(request, 'Consumer');
}

function namedIn(request: Request, kind: string): Identity {
  return { kind, namespace: parameter(request, 'namespace'), name: parameter(request, 'name') };
}

function parameter(request: Request, name: string): string {
  const value = request.params[name];
  return typeof value === 'string' ? value : '';
}

function onlyMethods(allow: string): (request: Request) => void {
  return (request) => {
    throw new ApiError('method_not_allowed', `${request.method} is not possible here`, {
      headers: { allow },
    });
  };
}

async function sendError(
  context: ApiContext,
  error: unknown,
  request: Request,
  response: Response,
): Promise<void> {
  const { requestId } = factsOf(response);
  const known = knownError(error);
  // A client that goes away in the middle of its body is nobody's failure.
  const isAborted = request.destroyed && !request.complete;
  if (!isAborted && (known === undefined || error instanceof StoreError))
    context.logger.error(
      { err: error, requestId, method: request.method, path: request.path },
      'request failed',
    );
  if (isAborted || response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  await discardBody(request);
  const shown =
    known ??
    new ApiError('internal', 'the control plane failed; its log has the reason under this request id');
  for (const [name, value] of Object.entries(shown.headers)) response.setHeader(name, value);
  response.status(shown.status).setHeader('content-type', mediaTypes.problem);
  response.end(JSON.stringify(shown.document(request.path, requestId)));
}

function knownError(error: unknown): ApiError | undefined {
  if (error instanceof ApiError) return error;
  if (error instanceof StoreError) return storeError(error);
  if (error instanceof URIError) return new ApiError('malformed', 'the path has an invalid percent escape');
  return undefined;
}

/** What went wrong in the store is told here only as far as a client can do something about it; the log has all. */
function storeError({ code, message }: StoreError): ApiError {
  return code === 'storage_full'
    ? new ApiError('storage_full', message)
    : new ApiError('not_ready', 'the database cannot be used; the log of the control plane says why', {
        headers: { 'retry-after': '10' },
      });
}
