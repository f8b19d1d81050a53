import { test } from 'node:test';
import { startSystem } from '../../kit/processes.ts';
import { duplicate, hello, shop, shopWithMistakes } from './shop.ts';
import { startTranscript } from './transcript.ts';

test('the first hour: mistakes, a dry run, an apply that waits, a twin, a refused deletion', async (t) => {
  const { controlPlane } = await startSystem(t, { nodes: ['local'] });
  const session = await startTranscript(t, {
    config: controlPlane.gwctlConfig,
    variables: [[String(controlPlane.adminPort), '<admin>']],
  });
  await session.file('hello.yaml', hello);
  await session.gwctl('version');
  await session.gwctl('apply', '-f', 'hello.yaml', '--wait');
  await session.gwctl('get', 'routes');
  await session.file('shop.yaml', shopWithMistakes);
  await session.gwctl('apply', '-f', 'shop.yaml');
  await session.gwctl('lint', '-f', 'shop.yaml');
  await session.file('shop.yaml', shop);
  await session.gwctl('apply', '-f', 'shop.yaml', '--dry-run=server');
  await session.gwctl('apply', '-f', 'shop.yaml', '--dry-run=client');
  await session.gwctl('apply', '-f', 'shop.yaml', '--wait', '-m', 'orders, first try');
  await session.gwctl('apply', '-f', 'shop.yaml');
  await session.gwctl('explain', 'route.spec.matches.path');
  await session.gwctl('explain', 'route.spec.match');
  await session.gwctl('explain', 'GET', 'http://api.example.com/orders');
  await session.file('duplicate.yaml', duplicate);
  await session.gwctl('apply', '-f', 'duplicate.yaml');
  await session.gwctl('describe', 'route', 'orders-copy');
  await session.gwctl('delete', 'service', 'orders');
  await session.gwctl('delete', 'service/orders', 'route/orders', 'route/orders-copy', '-m', 'start anew');
  await session.gwctl('get', 'route', 'orders');
  await session.gwctl('get', 'revisions');
  await session.matches('first-hour');
});

test('what is wrong with a command line or a context is said in one sentence', async (t) => {
  const { controlPlane } = await startSystem(t, { nodes: [] });
  const session = await startTranscript(t, {
    config: controlPlane.gwctlConfig,
    variables: [
      [String(controlPlane.adminPort), '<admin>'],
      [controlPlane.dataDir, '<data>'],
    ],
  });
  await session.gwctl('gte', 'routes');
  await session.gwctl('get', 'rotues');
  await session.gwctl('get', 'routes', '--lables');
  await session.gwctl('get', 'routes', '-l', 'a b');
  await session.gwctl('get', 'routes', '-o', 'xml');
  await session.gwctl('get', 'routes');
  await session.gwctl('get', 'services', '-o', 'json');
  await session.gwctl('get', 'route/nope', 'gateway/default');
  await session.gwctl('delete', 'route', 'nope');
  await session.gwctl('delete', 'route', 'nope', '--ignore-not-found');
  await session.gwctl('apply', '-f', 'nope.yaml');
  await session.file('broken.yaml', 'a: 1\na: 2\n---\nkind: [\n');
  await session.gwctl('apply', '-f', 'broken.yaml');
  await session.gwctl('get', 'routes', '--context', 'loca');
  await session.gwctl('get', 'routes', '--token', 'cwt_wrong');
  await session.gwctl('config', 'get-contexts');
  await controlPlane.stop();
  await session.gwctl('get', 'routes');
  await session.gwctl('explain', 'secret.spec.data');
  await session.gwctl(
    'config',
    'set-context',
    'far',
    '--server',
    'https://far.example.com',
    '--token',
    'cwt_far',
  );
  await session.gwctl('config', 'use-context', 'fra');
  await session.gwctl('config', 'use-context', 'far');
  await session.gwctl('config', 'set-context', '--current', '-n', 'pay');
  await session.gwctl('config', 'view');
  await session.gwctl('config', 'current-context');
  await session.matches('refusals');
});
