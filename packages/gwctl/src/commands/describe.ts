import { AdminApiError } from '@causeway/admin-client/errors';
import type { NodeResource, RevisionResource } from '@causeway/model/api-types';
import type { Resource } from '@causeway/model/resource';
import type { Command } from 'commander';
import { describeCertificate } from '../describe/certificate.ts';
import { describeConsumer } from '../describe/consumer.ts';
import { describeDescriptorSet } from '../describe/descriptor-set.ts';
import { type Description, renderDescription } from '../describe/description.ts';
import { describeGateway } from '../describe/gateway.ts';
import { describeMiddleware } from '../describe/middleware.ts';
import { describeNode } from '../describe/node.ts';
import { describeRevision } from '../describe/revision.ts';
import { describeRoute } from '../describe/route.ts';
import { describeSecret } from '../describe/secret.ts';
import { describeService } from '../describe/service.ts';
import { Failure } from '../failure.ts';
import { findNodeName } from '../find-node.ts';
import type { Io } from '../io.ts';
import type { Listed } from '../output/columns/view-of.ts';
import { renderDocument } from '../output/documents.ts';
import { openSession, type Session } from '../session.ts';
import { onlyListed, parseTargets, type Target } from '../targets.ts';

export function addDescribe(program: Command, io: Io): void {
  program
    .command('describe')
    .description('everything about objects: fields, conditions, nodes, who uses them')
    .argument('<kind>', 'a kind, or KIND/NAME')
    .argument('[names...]', 'names of objects; without names all of the kind')
    .option('-l, --selector <selector>', 'labels that objects must have')
    .action(async (kind: string, names: string[], flags: { selector?: string }, command: Command) =>
      runDescribe(await openSession(io, command), [kind, ...names], flags.selector),
    );
}

async function runDescribe(session: Session, words: readonly string[], labelSelector: string | undefined) {
  const { io, client, namespace } = session;
  const { kinds, objects } = parseTargets(words, namespace);
  const targets = [...objects];
  for (const kind of kinds) {
    if (!kind.verbs.includes('get')) throw onlyListed(kind);
    const items = await client.listAll<Listed>(kind, { namespace, labelSelector });
    targets.push(
      ...items.map(({ metadata: { name } }) => ({ kind, identity: { kind: kind.kind, namespace, name } })),
    );
  }
  if (targets.length === 0) io.err(`No ${kinds.map(({ plural }) => plural).join(', ')} found.`);
  for (const [index, target] of targets.entries()) {
    const text = renderDescription(await described(session, target));
    io.out(index === 0 ? text : `\n\n${text}`);
  }
}

async function described(session: Session, target: Target): Promise<Description> {
  const warnings: string[] = [];
  const object = await readObject(session, target, warnings);
  switch (target.kind.kind) {
    case 'Route':
      return describeRoute(session, object as Resource, warnings);
    case 'Service':
      return describeService(session, object as Resource, warnings);
    case 'Gateway':
      return describeGateway(session, object as Resource);
    case 'Middleware':
      return describeMiddleware(session, object as Resource);
    case 'Certificate':
      return describeCertificate(session, object as Resource, warnings);
    case 'Consumer':
      return describeConsumer(session, object as Resource);
    case 'DescriptorSet':
      return describeDescriptorSet(session, object as Resource);
    case 'Secret':
      return describeSecret(session, object as Resource);
    case 'Node':
      return describeNode(session, object as NodeResource);
    case 'Revision':
      return describeRevision(session, object as RevisionResource);
    default:
      // A kind of a later version: the document says all there is.
      return {
        fields: [],
        sections: [{ title: target.kind.kind, lines: renderDocument(object, 'yaml').split('\n') }],
      };
  }
}

async function readObject(session: Session, target: Target, warnings: string[]): Promise<Listed> {
  const { client } = session;
  const { kind, identity } = target;
  const name = kind.kind === 'Node' ? await findNodeName(client, identity.name) : identity.name;
  try {
    return await client.get<Listed>(kind, name, {
      namespace: identity.namespace,
      onWarning: (text) => warnings.push(text),
    });
  } catch (error) {
    if (error instanceof AdminApiError && error.status === 404)
      throw new Failure(`${kind.kind.toLowerCase()} ${JSON.stringify(name)} not found`);
    throw error;
  }
}
