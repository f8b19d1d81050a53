import type { Resource } from '@causeway/model/resource';
import { executionRows, executionTitles, usersOfMiddleware } from '../output/filters.ts';
import type { Session } from '../session.ts';
import type { Description } from './description.ts';
import { conditionSection, headFields, nodeParts, tableLines } from './standard-parts.ts';

export async function describeMiddleware(session: Session, middleware: Resource): Promise<Description> {
  const { client, namespace } = session;
  const [routes, gateways] = await Promise.all([
    client.listAll('routes', { namespace: middleware.metadata.namespace }),
    client.listAll('gateways'),
  ]);
  const nodes = await nodeParts(session, middleware);
  const rows = executionRows(undefined, middleware, [], namespace);
  return {
    fields: [
      ...(await headFields(session, middleware)),
      ['Used by', usersOfMiddleware(middleware, routes, gateways).join(', ')],
      ['Nodes', nodes.text],
    ],
    sections: [
      { title: 'Filters, in order of execution', lines: tableLines(executionTitles, rows) },
      conditionSection(session, middleware),
      nodes.section,
    ],
  };
}
