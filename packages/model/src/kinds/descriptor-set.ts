import { z } from 'zod';
import { list, line, name, object, oneOf, say } from '../fields.ts';
import { fieldOf, type Kind, writeVerbs } from './kind.ts';

/** Of the FileDescriptorSet itself. */
export const descriptorBytesMax = 8 * 1024 * 1024;
/** What stands in lists in the place of `data`: megabytes belong to the object alone. */
export const unlistedData = '(not listed)';

const servicesMax = 1000;
const dataHint = 'protoc --include_imports --descriptor_set_out=FILE or buf build -o FILE makes one';

// Complaints do not show the text: it may have megabytes.
const data = z
  .string({ error: () => say('wrong_type', 'not the base64 of a FileDescriptorSet', dataHint) })
  .superRefine((text, context) => {
    const complain = (code: 'bad_format' | 'out_of_range', detail: string, hint?: string): void =>
      context.addIssue({ code: 'custom', message: say(code, detail, hint) });
    if (text === unlistedData)
      return complain('bad_format', 'stands for what lists leave out', 'get the object by its name');
    const compact = text.replaceAll(/\s+/g, '');
    if (compact === '' || compact.length % 4 !== 0 || /[^A-Za-z0-9+/=]|=[^=]|={3}/.test(compact))
      return complain('bad_format', 'not base64 (RFC 4648 section 4)', dataHint);
    if ((compact.length / 4) * 3 - (/=*$/.exec(compact.slice(-2))?.[0].length ?? 0) > descriptorBytesMax)
      complain('out_of_range', 'larger than 8MiB', 'leave source info out');
  })
  .describe(
    `The base64 of a FileDescriptorSet with its imports, 8MiB at most: ${dataHint}. In lists it reads ${unlistedData}.`,
  );

const descriptorSetSpec = oneOf(
  {
    data: data.optional(),
    reflection: object(
      {
        service: name.describe('Service whose endpoints are asked, by grpc.reflection.v1 or v1alpha.'),
        services: list(line('a full name', 'Full name of a gRPC service.', 512), {
          description:
            'Which of its gRPC services are read, such as bookstore.v1.Bookstore. Empty: all but those of gRPC itself.',
          max: servicesMax,
        }).default([]),
      },
      'Read from a Service once, and pinned.',
    ).optional(),
  },
  'Where the descriptors come from.',
  {},
);

export type DescriptorSetSpec = z.output<typeof descriptorSetSpec>;

export const descriptorSetKind: Kind<typeof descriptorSetSpec> = {
  kind: 'DescriptorSet',
  plural: 'descriptorsets',
  shortNames: ['ds'],
  namespaced: true,
  description: 'Descriptors of protobuf, for filters that make gRPC of JSON: bytes, or read from a Service.',
  verbs: writeVerbs,
  spec: descriptorSetSpec,
  references: (spec) => {
    const service = fieldOf(fieldOf(spec, 'reflection'), 'service');
    return typeof service === 'string'
      ? [{ pointer: '/spec/reflection/service', kind: 'Service', name: service }]
      : [];
  },
  plannedFields: [],
};
