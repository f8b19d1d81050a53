import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { repository, startControlPlane } from '../../kit/processes.ts';
import { startTranscript } from './transcript.ts';

const protos = join(repository, 'packages/transcoding/src/testing/protos');

test('trees of .proto become DescriptorSets', async (t) => {
  const controlPlane = await startControlPlane(t);
  const session = await startTranscript(t, { config: controlPlane.gwctlConfig });
  await mkdir(join(session.directory, 'bookstore'));
  // Without google/api, which everybody imports and nobody has.
  await cp(join(protos, 'test'), join(session.directory, 'bookstore', 'test'), { recursive: true });
  const push = ['descriptor', 'push', 'bookstore'];
  await session.gwctl(...push, '--dry-run', 'client');
  await session.gwctl(...push, '--dry-run', 'server');
  await session.gwctl(...push, '-m', 'first');
  await session.gwctl(...push);
  await session.gwctl('get', 'ds');
  await session.gwctl('describe', 'ds', 'bookstore');
  await session.gwctl('get', 'descriptorsets', '-o', 'yaml');
  await mkdir(join(session.directory, 'Bad'));
  await session.file('Bad/bad.proto', badProto);
  await session.file('Bad/lost.proto', 'syntax = "proto3";\nimport "shop/items.proto";\n');
  await session.gwctl('descriptor', 'push', 'Bad');
  await session.gwctl('descriptor', 'push', 'Bad', '--name', 'bad');
  await session.gwctl('descriptor', 'push', 'nowhere');
  await mkdir(join(session.directory, 'empty'));
  await session.gwctl('descriptor', 'push', 'empty');
  await session.gwctl('complete', '--', 'descriptor', 'push', 'boo');
  await session.gwctl('descriptor', 'push', '--help');
  await session.matches('descriptors');
});

const badProto = `syntax = "proto3";
package shop;
message Item {
  strin name = 1;
  int32 count = 1;
}
`;
