/** Texts with parts of a request in them, as filters take them. */

import type { TemplatePart, TemplateSource } from '@causeway/filters/template';
import {
  type Template,
  type TemplatePart as CompiledPart,
  TemplateSource as CompiledSource,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { UnknownChoice } from '@causeway/proto/route-rules';

export function readTemplate(template: Template | undefined): readonly TemplatePart[] {
  if (template === undefined) throw new Error('a template is missing');
  return template.parts.map(readPart);
}

function readPart({ part }: CompiledPart): TemplatePart {
  switch (part.case) {
    case 'literal':
      return part.value;
    case 'variable':
      return { source: readSource(part.value.source), name: part.value.name };
    case undefined:
      throw new UnknownChoice('a part of a template');
  }
}

const sources: Readonly<Record<number, TemplateSource>> = {
  [CompiledSource.REQUEST_METHOD]: 'request.method',
  [CompiledSource.REQUEST_HOST]: 'request.host',
  [CompiledSource.REQUEST_PATH]: 'request.path',
  [CompiledSource.REQUEST_ID]: 'request.id',
  [CompiledSource.REQUEST_SCHEME]: 'request.scheme',
  [CompiledSource.REQUEST_HEADER]: 'request.header.',
  [CompiledSource.REQUEST_QUERY]: 'request.query.',
  [CompiledSource.PATH_PARAMETER]: 'path.',
  [CompiledSource.CLIENT_ADDRESS]: 'client.address',
  [CompiledSource.ROUTE_NAME]: 'route.name',
  [CompiledSource.CLAIM]: 'claims.',
  [CompiledSource.CONSUMER_NAME]: 'consumer.name',
};

function readSource(source: CompiledSource): TemplateSource {
  const known = sources[source];
  if (known === undefined) throw new UnknownChoice(`variable ${source} of a template`);
  return known;
}
