// What does a unary call by HTTP and JSON cost beside the same call by gRPC, through one node in the same minutes? And how long does a large DescriptorSet take?

import { writeFile } from 'node:fs/promises';
import { connect } from 'node:http2';
import { join } from 'node:path';
import { create, createFileRegistry, fromBinary, fromJson, toBinary } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import { CompiledDescriptorsSchema } from '@causeway/proto/gen/causeway/snapshot/v1/descriptors_pb';
import { compileTypes } from '@causeway/transcoding/compile-types';
import { messagePrefix } from '@causeway/transcoding/grpc-messages';
import { MethodRouter } from '@causeway/transcoding/method-router';
import { buildProtos, readProtos } from '@causeway/transcoding/testing/read-protos';
import { Types } from '@causeway/transcoding/types';
import { startChild } from '../kit/child.ts';
import { OwnScope } from '../kit/owner.ts';
import { cpuMicroseconds } from '../kit/process-cost.ts';
import { startSystem } from '../kit/processes.ts';
import { gateway, route, service } from '../kit/resources.ts';
import { tempDir } from '../kit/temp-dir.ts';
import { runH2load } from './h2load.ts';
import { findProgram } from './machine.ts';
import { freePort, untilServing } from './peers/peer.ts';
import { formatTable } from './table.ts';

const rounds = 5;
const warmUpSeconds = 5;
const largeSet = { messages: 2000, fields: 12, methods: 1000 };

/** A Book of 1 KiB. */
const book = {
  id: '1',
  title: 'x'.repeat(200),
  tags: Array.from({ length: 40 }, (_, at) => `tag number ${at}`),
  notes: Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`note-${at}`, 'of some length'])),
};

interface Subject {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly contentType: string;
  readonly body: Buffer;
  readonly costs: number[];
}

/** Prints CPU a call, the median of the rounds, in which the two take turns. */
export async function benchTranscode(seconds: number, print: (line: string) => void): Promise<void> {
  measureLoading(print);
  const program = findProgram('h2load');
  if (program === undefined) throw new Error('this bench needs h2load: run scripts/setup-test-deps --bench');
  const protos = buildProtos();
  const type = readProtos(protos).getMessage('bookstore.v1.Book')!;
  const bytes = toBinary(type, fromJson(type, book));
  const message = Buffer.concat([messagePrefix(bytes.length), bytes]);
  const subjects: readonly [Subject, Subject] = [
    {
      name: 'gRPC',
      method: 'POST',
      path: '/bookstore.v1.Bookstore/ReplaceBook',
      contentType: 'application/grpc',
      body: message,
      costs: [],
    },
    {
      name: 'JSON',
      method: 'PUT',
      path: '/v1/shelves/a/books/b',
      contentType: 'application/json',
      body: Buffer.from(JSON.stringify({ book })),
      costs: [],
    },
  ];
  const scope = new OwnScope();
  try {
    const directory = await tempDir(scope);
    const upstreamPort = await freePort();
    const args = [
      join(import.meta.dirname, 'serve-grpc.ts'),
      String(upstreamPort),
      message.toString('base64'),
    ];
    const upstream = startChild(scope, { name: 'upstream', command: process.execPath, args });
    await untilServing(upstream, upstreamPort);
    const { nodes } = await startSystem(scope, {
      workers: 1,
      resources: [
        gateway({ accessLog: { enabled: false } }),
        service('books', [upstreamPort], { protocol: 'grpc' }),
        { kind: 'DescriptorSet', metadata: { name: 'books' }, spec: { data: protos.toString('base64') } },
        route('books', '/', 'books', {
          filters: [{ transcode: { descriptors: 'books', services: ['bookstore.v1.Bookstore'] } }],
        }),
      ],
    });
    const node = nodes[0]!;
    const origin = `http://127.0.0.1:${await node.trafficPort()}`;
    const run = async (
      { name, method, path, contentType, body }: Subject,
      runSeconds: number,
    ): Promise<number> => {
      const bodyFile = join(directory, name);
      await writeFile(bodyFile, body);
      const { requests, failed } = await runH2load({
        program,
        directory,
        url: `${origin}${path}`,
        seconds: runSeconds,
        connections: 10,
        streams: 10,
        headers: { ':method': method, 'content-type': contentType, te: 'trailers' },
        bodyFile,
      });
      if (failed > 0) throw new Error(`${failed} calls failed`);
      return requests;
    };
    await checkCall(origin, subjects[1]);
    for (const each of subjects) await run(each, warmUpSeconds);
    for (let round = 0; round < rounds; round += 1)
      for (const each of subjects) {
        const before = cpuMicroseconds(node.child.pid);
        const calls = await run(each, seconds);
        each.costs.push((cpuMicroseconds(node.child.pid) - before) / calls);
      }
    const medians = subjects.map(({ costs }) => costs.toSorted((a, b) => a - b)[Math.floor(rounds / 2)]!);
    const rows = subjects.map(({ name, costs }, at) => [
      name,
      medians[at]!.toFixed(1),
      (medians[at]! - medians[0]!).toFixed(1),
      (Math.max(...costs) - Math.min(...costs)).toFixed(1),
    ]);
    print(formatTable(['call by', 'CPU us', 'more', 'spread'], rows));
  } finally {
    await scope.end();
  }
}

async function checkCall(origin: string, { method, path, contentType, body }: Subject): Promise<void> {
  const session = connect(origin);
  try {
    const stream = session.request({ ':method': method, ':path': path, 'content-type': contentType });
    stream.end(body);
    const answer = Buffer.concat(await stream.toArray()).toString();
    if (answer !== JSON.stringify(book)) throw new Error(`the call is not transcoded: ${answer}`);
  } finally {
    session.destroy();
  }
}

/** In one go, as a worker does it: nothing is served meanwhile. */
function measureLoading(print: (line: string) => void): void {
  const bytes = toBinary(CompiledDescriptorsSchema, compileTypes(createFileRegistry(largeDescriptors())));
  const times = { decode: [] as number[], types: [] as number[], router: [] as number[] };
  const measured = <T>(list: number[], work: () => T): T => {
    const startedAt = performance.now();
    const result = work();
    list.push(performance.now() - startedAt);
    return result;
  };
  for (let round = 0; round < rounds; round += 1) {
    const compiled = measured(times.decode, () => fromBinary(CompiledDescriptorsSchema, bytes));
    const types = measured(times.types, () => new Types(compiled));
    measured(times.router, () => new MethodRouter(types));
  }
  const rows = Object.entries(times).map(([name, list]) => [
    name,
    list[0]!.toFixed(1),
    Math.min(...list).toFixed(1),
  ]);
  print(`${largeSet.messages} messages, ${largeSet.methods} methods, ${bytes.length} bytes`);
  print(formatTable(['step', 'first ms', 'best ms'], rows));
}

function largeDescriptors() {
  const { messages, fields, methods } = largeSet;
  const file = create(FileDescriptorProtoSchema, {
    name: 'large.proto',
    package: 'large.v1',
    syntax: 'proto3',
    messageType: Array.from({ length: messages }, (_, at) => ({
      name: `Message${at}`,
      field: Array.from({ length: fields }, (__, number) => ({
        name: `field_number_${number}`,
        jsonName: `fieldNumber${number}`,
        number: number + 1,
        label: Label.OPTIONAL,
        type: number % 3 === 0 ? Type.MESSAGE : number % 3 === 1 ? Type.STRING : Type.INT64,
        ...(number % 3 === 0 && { typeName: `.large.v1.Message${(at * 7 + number) % messages}` }),
      })),
    })),
    service: [
      {
        name: 'Large',
        method: Array.from({ length: methods }, (_, at) => ({
          name: `Method${at}`,
          inputType: `.large.v1.Message${at}`,
          outputType: `.large.v1.Message${messages - 1 - at}`,
        })),
      },
    ],
  });
  return create(FileDescriptorSetSchema, { file: [file] });
}
