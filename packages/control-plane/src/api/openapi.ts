import { kinds } from '@causeway/model/kinds/registry';
import type { Kind } from '@causeway/model/kinds/kind';
import { collectionPath, listLimitMax, mediaTypes, objectPath, restPaths } from '@causeway/model/rest';
import { problemDocumentCodes } from '@causeway/model/api-types';
import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import { createKeyBody, rotateKeyBody } from './consumer-keys.ts';
import { explainBody } from './explain.ts';
import { purgeBody } from './route-commands.ts';

const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum(problemDocumentCodes),
    detail: z.string(),
    instance: z.string(),
    requestId: z.string(),
    errors: z.array(
      z.object({
        document: z.int().optional(),
        resource: z.string().optional(),
        pointer: z.string(),
        code: z.string(),
        detail: z.string(),
        hint: z.string().optional(),
        node: z.string().optional(),
      }),
    ),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem document.' });

const errors = {
  default: {
    description: 'What is wrong, where, and how to mend it.',
    content: { [mediaTypes.problem]: { schema: problem } },
  },
};
const anything = z.record(z.string(), z.unknown());

/** The OpenAPI 3.1 document of the admin API, made from the schemas that validate requests. */
export function openApiDocument(version: string): object {
  const paths: ZodOpenApiPathsObject = Object.assign({}, ...kinds.map(kindPaths), fixedPaths());
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Causeway admin API',
      version,
      description:
        'Resources of the gateway: what is written here is compiled, streamed to every node and acknowledged.',
    },
    security: [{ bearer: [] }],
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    paths,
  });
}

/** Of what has pages. */
const listParameters = z.object({
  limit: z.int().min(1).max(listLimitMax).optional(),
  continue: z.string().optional(),
  labelSelector: z.string().optional(),
  fieldSelector: z.string().optional(),
});

/** Of what is only listed, and never by pages. */
const liveParameters = listParameters.pick({ limit: true, fieldSelector: true });

const writeQuery = {
  dryRun: z.literal('All').optional(),
  message: z.string().optional(),
  force: z.boolean().optional(),
};

function kindPaths(kind: Kind): ZodOpenApiPathsObject {
  const namespace = kind.namespaced ? '{namespace}' : undefined;
  const collection = decodeURI(collectionPath(kind, namespace));
  const object = decodeURI(objectPath(kind, namespace, '{name}'));
  const content = contentOf(kind);
  const { create, replace, ...operations } = writeOperations(kind, content);
  return {
    ...(kind.namespaced
      ? { [collectionPath(kind)]: { get: listOperation(kind, `listAll${kind.kind}s`) } }
      : {}),
    [collection]: {
      get: listOperation(kind, `list${kind.kind}s`, placeOf(kind)),
      ...(kind.spec ? { post: create } : {}),
    },
    ...(kind.verbs.includes('get')
      ? {
          [object]: {
            get: {
              operationId: `get${kind.kind}`,
              requestParams: objectParameters(kind),
              responses: found(content, `One ${kind.kind}.`),
            },
            ...(kind.spec ? { put: replace, ...operations } : {}),
          },
        }
      : {}),
  };
}

/** Path parameters of a collection. */
function placeOf(kind: Kind): { path?: z.ZodObject } {
  return kind.namespaced ? { path: z.object({ namespace: z.string() }) } : {};
}

function objectParameters(kind: Kind): { path: z.ZodObject } {
  return { path: z.object({ ...(kind.namespaced ? { namespace: z.string() } : {}), name: z.string() }) };
}

/** Once for each kind: a schema with a name stands once in the document. */
function contentOf(kind: Kind) {
  const schema = resourceSchema(kind);
  return { [mediaTypes.json]: { schema }, [mediaTypes.yaml]: { schema } };
}

type Content = ReturnType<typeof contentOf>;

function found(content: Content, description: string) {
  return { '200': { description, content }, ...errors };
}

function listOperation(
  kind: Kind,
  operationId: string,
  place: { path?: z.ZodObject } = {},
): ZodOpenApiOperationObject {
  return {
    operationId,
    requestParams: { query: kind.verbs.includes('get') ? listParameters : liveParameters, ...place },
    responses: json(`A page of ${kind.plural}.`),
  };
}

function writeOperations(kind: Kind, content: Content) {
  const query = z.object(writeQuery);
  const requestBody = { content };
  const written = (description: string) => ({
    '201': { description: 'Created.', content },
    ...found(content, description),
  });
  const requestParams = { ...objectParameters(kind), query };
  return {
    create: {
      operationId: `create${kind.kind}`,
      requestParams: { ...placeOf(kind), query },
      requestBody,
      responses: written('Created.'),
    },
    replace: {
      operationId: `put${kind.kind}`,
      requestParams,
      requestBody,
      responses: written('Replaced, or unchanged.'),
    },
    patch: {
      operationId: `patch${kind.kind}`,
      requestParams,
      requestBody: { content: { [mediaTypes.mergePatch]: { schema: anything } } },
      responses: written('Changed.'),
    },
    delete: {
      operationId: `delete${kind.kind}`,
      requestParams,
      responses: found(content, 'What was deleted.'),
    },
  } satisfies Record<string, ZodOpenApiOperationObject>;
}

function resourceSchema(kind: Kind): z.ZodType {
  return z
    .object({
      apiVersion: z.literal('causeway/v1'),
      kind: z.literal(kind.kind),
      metadata: z.object({
        name: z.string(),
        ...(kind.namespaced ? { namespace: z.string().optional() } : {}),
        labels: z.record(z.string(), z.string()).optional(),
        annotations: z.record(z.string(), z.string()).optional(),
      }),
      ...(kind.spec ? { spec: kind.spec } : {}),
      status: anything.optional(),
    })
    .meta({ id: kind.kind, description: kind.description });
}

function json(description: string, status: '200' | '201' | '202' = '200') {
  return {
    [status]: { description, content: { [mediaTypes.json]: { schema: anything } } },
    ...errors,
  };
}

function fixedPaths(): ZodOpenApiPathsObject {
  return {
    [restPaths.root]: {
      get: { operationId: 'listKinds', responses: json('Kinds with plural, short names and verbs.') },
    },
    [decodeURI(restPaths.schema('{plural}'))]: {
      get: {
        operationId: 'getSchema',
        requestParams: { path: z.object({ plural: z.string() }) },
        responses: json('JSON Schema of a kind.'),
      },
    },
    [restPaths.apply]: { post: applyOperation() },
    [restPaths.explain]: {
      post: {
        operationId: 'explain',
        requestBody: { content: { [mediaTypes.json]: { schema: explainBody } } },
        responses: json('Why a request gets the Route that it gets.'),
      },
    },
    ...servicePaths(),
    ...statusPaths(),
  };
}

function applyOperation(): ZodOpenApiOperationObject {
  const documents = z.object({
    kind: z.literal('List'),
    items: z.array(anything),
    remove: z.array(z.string()).optional(),
  });
  const query = z.object({
    ...writeQuery,
    namespace: z.string().optional(),
    prune: z.boolean().optional(),
    labelSelector: z.string().optional(),
  });
  return {
    operationId: 'apply',
    requestParams: { query },
    requestBody: {
      content: { [mediaTypes.json]: { schema: documents }, [mediaTypes.yaml]: { schema: z.string() } },
    },
    responses: json('What became of each document; one revision for all.'),
  };
}

function servicePaths(): ZodOpenApiPathsObject {
  const requestParams = { path: z.object({ namespace: z.string(), name: z.string() }) };
  return {
    [decodeURI(restPaths.serviceEndpoints('{namespace}', '{name}'))]: {
      get: {
        operationId: 'listServiceEndpoints',
        requestParams,
        responses: json('The endpoints of a Service, as the nodes find them.'),
      },
    },
    [decodeURI(restPaths.serviceLoad('{namespace}', '{name}'))]: {
      get: {
        operationId: 'getServiceLoad',
        requestParams,
        responses: json('What the breaker and the retry budget of a Service do on each node.'),
      },
    },
    [decodeURI(restPaths.serviceOpenapi('{namespace}', '{name}'))]: {
      get: {
        operationId: 'getServiceOpenapi',
        requestParams,
        responses: json(
          'An OpenAPI 3.1 document of what Routes that transcode let clients call of a Service.',
        ),
      },
    },
    [decodeURI(restPaths.serviceResetBreaker('{namespace}', '{name}'))]: {
      post: {
        operationId: 'resetServiceBreaker',
        requestParams,
        responses: json('Closes the breaker of a Service on every node; how each of them took it.'),
      },
    },
    ...consumerKeyPaths(),
    [decodeURI(restPaths.descriptorSetRefresh('{namespace}', '{name}'))]: {
      post: {
        operationId: 'refreshDescriptorSet',
        requestParams: {
          path: z.object({ namespace: z.string(), name: z.string() }),
          query: z.object({
            dryRun: z.literal('All').optional(),
            digest: z.string().optional(),
            message: z.string().optional(),
          }),
        },
        responses: json(
          'Reads a DescriptorSet from its Service anew, and pins it; what changes. A digest of a dry run takes nothing else than was shown.',
        ),
      },
    },
    [decodeURI(restPaths.routePurgeCache('{namespace}', '{name}'))]: {
      post: {
        operationId: 'purgeRouteCache',
        requestParams,
        requestBody: { content: { [mediaTypes.json]: { schema: purgeBody } } },
        responses: json(
          'Takes stored answers of a Route out of the caches of every node; how many each had.',
        ),
      },
    },
    [decodeURI(restPaths.rotateKeys('{purpose}'))]: {
      post: {
        operationId: 'rotateKeys',
        requestParams: { path: z.object({ purpose: z.enum(['session', 'login']) }) },
        responses: json(
          'Replaces the key of affinity cookies (session), or of logged in users (login); those of the key before stay good.',
        ),
      },
    },
  };
}

function consumerKeyPaths(): ZodOpenApiPathsObject {
  const path = z.object({ namespace: z.string(), name: z.string() });
  const requestParams = {
    path: path.extend({ key: z.string() }),
    query: z.object({ message: z.string().optional() }),
  };
  const bodyOf = (schema: z.ZodType) => ({ content: { [mediaTypes.json]: { schema } } });
  return {
    [decodeURI(restPaths.consumerKeys('{namespace}', '{name}'))]: {
      post: {
        operationId: 'createConsumerKey',
        requestParams: { ...requestParams, path },
        requestBody: bodyOf(createKeyBody),
        responses: json('A key for a Consumer; its text is told this once.', '201'),
      },
    },
    [decodeURI(restPaths.consumerKey('{namespace}', '{name}', '{key}'))]: {
      delete: {
        operationId: 'revokeConsumerKey',
        requestParams,
        responses: { '204': { description: 'The nodes refuse it with the next revision.' }, ...errors },
      },
    },
    [decodeURI(restPaths.rotateConsumerKey('{namespace}', '{name}', '{key}'))]: {
      post: {
        operationId: 'rotateConsumerKey',
        requestParams,
        requestBody: bodyOf(rotateKeyBody),
        responses: json('A key in the place of another, which stays good for the overlap.', '201'),
      },
    },
  };
}

function statusPaths(): ZodOpenApiPathsObject {
  return {
    [decodeURI(restPaths.revisionStatus('{revision}'))]: {
      get: {
        operationId: 'getRevisionStatus',
        requestParams: {
          path: z.object({ revision: z.string() }),
          query: z.object({ watch: z.boolean().optional() }),
        },
        responses: json(
          'What every node did with a revision; with watch, one line for each change until nothing is pending.',
        ),
      },
    },
    [decodeURI(restPaths.nodeConfigDump('{name}'))]: {
      get: {
        operationId: 'getNodeConfigDump',
        requestParams: { path: z.object({ name: z.string() }) },
        responses: json('The live table of a node.'),
      },
    },
    [decodeURI(restPaths.nodeDrain('{name}'))]: {
      post: {
        operationId: 'drainNode',
        requestParams: { path: z.object({ name: z.string() }) },
        responses: json('The revision that the node keeps until it has ended what it has, and exits.', '202'),
      },
    },
    [decodeURI(restPaths.nodeRestartWorkers('{name}'))]: {
      post: {
        operationId: 'restartNodeWorkers',
        requestParams: { path: z.object({ name: z.string() }) },
        responses: json('How many workers the node replaces now, one by one.', '202'),
      },
    },
  };
}
