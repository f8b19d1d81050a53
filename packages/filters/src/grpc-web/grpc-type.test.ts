import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { grpcTypeOf, wantsText } from './grpc-type.ts';

describe('media types of gRPC', () => {
  const types: [
    type: string | undefined,
    is: [isWeb: boolean, isText: boolean, suffix: string] | undefined,
  ][] = [
    ['application/grpc', [false, false, '']],
    ['application/grpc+proto', [false, false, '+proto']],
    ['Application/gRPC-Web+json; charset=utf-8', [true, false, '+json']],
    ['application/grpc-web', [true, false, '']],
    ['application/grpc-web-text', [true, true, '']],
    ['application/grpc-web-text+proto', [true, true, '+proto']],
    ['application/grpc-websocket', undefined],
    ['application/grpc-text', undefined],
    ['text/plain', undefined],
    [undefined, undefined],
  ];
  for (const [type, is] of types)
    it(`are known: ${type}`, () => {
      const known = grpcTypeOf(type);
      assert.deepEqual(known && [known.isWeb, known.isText, known.suffix], is);
    });

  it('are those of answers too, where Accept says nothing else', () => {
    const answers = (type: string, accept?: string) => wantsText(grpcTypeOf(type)!, accept);
    assert.equal(answers('application/grpc-web-text'), true);
    assert.equal(answers('application/grpc-web-text', '*/*'), true);
    assert.equal(answers('application/grpc-web-text', 'application/grpc-web+proto'), false);
    assert.equal(answers('application/grpc-web'), false);
    assert.equal(answers('application/grpc-web', 'application/grpc-web-text'), true);
  });
});
