import { kinds } from '@causeway/model/kinds/registry';
import type { Kind } from '@causeway/model/kinds/kind';
import { collectionPath, mediaTypes, objectPath, restPaths } from '@causeway/model/rest';
import { problemDocumentCodes } from '@causeway/model/api-types';
import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import { explainBody } from './explain.ts';

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

function kindPaths(kind: Kind): ZodOpenApiPathsObject {
  const resource = resourceSchema(kind);
  const content = { [mediaTypes.json]: { schema: resource }, [mediaTypes.yaml]: { schema: resource } };
  const found = (description: string) => ({ '200': { description, content }, ...errors });
  const list: ZodOpenApiOperationObject = {
    operationId: `list${kind.kind}s`,
    requestParams: {
      query: z.object({
        limit: z.int().optional(),
        continue: z.string().optional(),
        labelSelector: z.string().optional(),
        fieldSelector: z.string().optional(),
      }),
    },
    responses: {
      '200': {
        description: `A page of ${kind.plural}.`,
        content: { [mediaTypes.json]: { schema: anything } },
      },
      ...errors,
    },
  };
  const namespace = kind.namespaced ? '{namespace}' : undefined;
  const collection = decodeURI(collectionPath(kind, namespace));
  const object = decodeURI(objectPath(kind, namespace, '{name}'));
  const parameters = z.object({ ...(kind.namespaced ? { namespace: z.string() } : {}), name: z.string() });
  const inNamespace = kind.namespaced ? { path: z.object({ namespace: z.string() }) } : {};
  const get: ZodOpenApiOperationObject = {
    operationId: `get${kind.kind}`,
    requestParams: { path: parameters },
    responses: found(`One ${kind.kind}.`),
  };
  const everywhere: ZodOpenApiPathsObject = kind.namespaced
    ? { [collectionPath(kind)]: { get: { ...list, operationId: `listAll${kind.kind}s` } } }
    : {};
  const listHere = { ...list, requestParams: { ...list.requestParams, ...inNamespace } };
  if (!kind.spec) return { ...everywhere, [collection]: { get: listHere }, [object]: { get } };
  const writeParameters = z.object({
    dryRun: z.literal('All').optional(),
    message: z.string().optional(),
    force: z.boolean().optional(),
  });
  const write = (operation: string, description: string): ZodOpenApiOperationObject => ({
    operationId: `${operation}${kind.kind}`,
    requestParams: {
      path: operation === 'create' ? z.object(kind.namespaced ? { namespace: z.string() } : {}) : parameters,
      query: writeParameters,
    },
    requestBody: { content },
    responses: { '201': { description: 'Created.', content }, ...found(description) },
  });
  return {
    ...everywhere,
    [collection]: { get: listHere, post: write('create', 'Created.') },
    [object]: {
      get,
      put: write('put', 'Replaced, or unchanged.'),
      patch: {
        ...write('patch', 'Changed.'),
        requestBody: { content: { [mediaTypes.mergePatch]: { schema: anything } } },
      },
      delete: {
        operationId: `delete${kind.kind}`,
        requestParams: { path: parameters, query: writeParameters },
        responses: found('What was deleted.'),
      },
    },
  };
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

function fixedPaths(): ZodOpenApiPathsObject {
  const json = (description: string) => ({
    '200': { description, content: { [mediaTypes.json]: { schema: anything } } },
    ...errors,
  });
  const documents = z.object({
    kind: z.literal('List'),
    items: z.array(anything),
    remove: z.array(z.string()).optional(),
  });
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
    [restPaths.apply]: {
      post: {
        operationId: 'apply',
        requestParams: {
          query: z.object({
            dryRun: z.literal('All').optional(),
            message: z.string().optional(),
            force: z.boolean().optional(),
            namespace: z.string().optional(),
            prune: z.boolean().optional(),
            labelSelector: z.string().optional(),
          }),
        },
        requestBody: {
          content: { [mediaTypes.json]: { schema: documents }, [mediaTypes.yaml]: { schema: z.string() } },
        },
        responses: json('What became of each document; one revision for all.'),
      },
    },
    [restPaths.explain]: {
      post: {
        operationId: 'explain',
        requestBody: { content: { [mediaTypes.json]: { schema: explainBody } } },
        responses: json('Why a request gets the Route that it gets.'),
      },
    },
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
  };
}
