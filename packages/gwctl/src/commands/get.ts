import { AdminApiError } from '@causeway/admin-client/errors';
import type { Kind } from '@causeway/model/kinds/kind';
import type { Resource } from '@causeway/model/resource';
import { effectiveSpec } from '@causeway/model/validate-document';
import type { Command } from 'commander';
import { Failure, usage } from '../failure.ts';
import { findNodeName } from '../find-node.ts';
import type { Io } from '../io.ts';
import type { Listed } from '../output/columns/view-of.ts';
import { type Format, outputOption } from '../output/format.ts';
import { type Listing, printResources } from '../output/print-resources.ts';
import { sortBy } from '../output/sort-by.ts';
import { openSession, type Session } from '../session.ts';
import { listConnections } from './list-connections.ts';
import { parseTargets, type Target } from '../targets.ts';

interface GetFlags {
  output: Format;
  allNamespaces?: boolean;
  selector?: string;
  fieldSelector?: string;
  sortBy?: string;
  showLabels?: boolean;
  headers: boolean;
  defaults?: boolean;
}

export function addGet(program: Command, io: Io): void {
  program
    .command('get')
    .description('list objects, or show those that are named')
    .argument('<kind>', 'kinds (routes, routes,services) or KIND/NAME')
    .argument('[names...]', 'names of objects')
    .addOption(outputOption())
    .option('-A, --all-namespaces', 'objects of all namespaces')
    .option('-l, --selector <selector>', 'labels that objects must have, such as team=shop,tier!=test')
    .option('--field-selector <selector>', 'fields that objects must have, such as metadata.name=orders')
    .option('--sort-by <field>', 'order by a field, such as .metadata.creationTimestamp')
    .option('--show-labels', 'a column of labels')
    .option('--no-headers', 'tables without their first line')
    .option('--defaults', 'with every default filled in (json and yaml)')
    .action(async (kind: string, names: string[], flags: GetFlags, command: Command) =>
      runGet(await openSession(io, command), [kind, ...names], flags),
    );
}

async function runGet(session: Session, words: readonly string[], flags: GetFlags): Promise<void> {
  const { kinds, objects } = parseTargets(words, session.namespace);
  if (objects.length > 0 && flags.allNamespaces === true)
    throw usage('an object cannot be named over all namespaces', 'leave -A or the names out');
  const missing: string[] = [];
  const listings =
    objects.length > 0
      ? await named(session, objects, missing)
      : await Promise.all(kinds.map((kind) => listed(session, kind, flags)));
  const shown = listings.map(({ kind, items }) => ({
    kind,
    items: sortBy(flags.sortBy, flags.defaults === true ? items.map((item) => effective(kind, item)) : items),
  }));
  const isEmpty = shown.every(({ items }) => items.length === 0);
  const wantsDocument = flags.output === 'json' || flags.output === 'yaml';
  if (!isEmpty || (wantsDocument && missing.length === 0)) {
    await printResources(session, shown, {
      format: flags.output,
      single: objects.length === 1,
      allNamespaces: flags.allNamespaces === true,
      showLabels: flags.showLabels === true,
      headers: flags.headers,
    });
  }
  if (missing.length > 0) throw notFound(missing);
  if (isEmpty && !wantsDocument) session.io.err(`No ${kinds.map(({ plural }) => plural).join(', ')} found.`);
}

async function listed(session: Session, kind: Kind, flags: GetFlags): Promise<Listing> {
  if (kind.kind === 'Connection') return { kind, items: await listConnections(session, flags) };
  const { client, namespace } = session;
  const items = await client.listAll<Listed>(kind, {
    namespace: flags.allNamespaces === true ? undefined : namespace,
    labelSelector: flags.selector,
    fieldSelector: flags.fieldSelector,
  });
  return { kind, items };
}

/** The objects in the order in which they were named, those of one kind together. */
async function named(session: Session, objects: readonly Target[], missing: string[]): Promise<Listing[]> {
  const listings = new Map<Kind, Listed[]>();
  for (const target of objects) {
    const object = await readObject(session, target);
    const items = listings.get(target.kind) ?? [];
    listings.set(target.kind, items);
    if (object === undefined) missing.push(missingText(target));
    else items.push(object);
  }
  return [...listings].map(([kind, items]) => ({ kind, items }));
}

async function readObject(session: Session, { kind, identity }: Target): Promise<Listed | undefined> {
  const { client } = session;
  const name = kind.kind === 'Node' ? await findNodeName(client, identity.name) : identity.name;
  try {
    return await client.get<Listed>(kind, name, { namespace: identity.namespace });
  } catch (error) {
    if (error instanceof AdminApiError && error.status === 404) return undefined;
    throw error;
  }
}

function missingText({ kind, identity }: Target): string {
  return `${kind.kind.toLowerCase()} ${JSON.stringify(identity.name)} not found`;
}

/** One `error:` line for each object that is not there. */
function notFound(missing: readonly string[]): Failure {
  return new Failure(missing.at(-1)!, { above: missing.slice(0, -1).map((text) => `error: ${text}`) });
}

function effective(kind: Kind, item: Listed): Listed {
  if (kind.spec === undefined) return item;
  const resource = item as Resource;
  return { ...resource, spec: effectiveSpec(kind, resource.spec) as Resource['spec'] };
}
