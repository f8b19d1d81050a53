import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { describe, it } from 'node:test';

import { GatewayError } from './errors.ts';
import { runProcess, type Lifecycle, type LifecycleHost } from './lifecycle.ts';
import { createLogger } from './logger.ts';
import { ManualClock } from './manual-clock.ts';

class Host extends EventEmitter implements LifecycleHost {
  readonly exits: number[] = [];
  connected = false;

  exit(code: number): void {
    this.exits.push(code);
    this.emit('exited');
  }
}

interface Rig {
  readonly host: Host;
  readonly clock: ManualClock;
  readonly lines: string[];
  readonly run: (main: (lifecycle: Lifecycle) => Promise<void>) => void;
  readonly exited: () => Promise<number[]>;
}

function rig(host = new Host()): Rig {
  const clock = new ManualClock();
  const lines: string[] = [];
  const logger = createLogger({ level: 'debug', write: (line) => lines.push(line) });
  return {
    host,
    clock,
    lines,
    run: (main) => runProcess({ logger, stopDeadlineMs: 1000, clock, host }, main),
    async exited() {
      if (host.exits.length === 0) await once(host, 'exited');
      return host.exits;
    },
  };
}

const turns = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('lifecycle', () => {
  it('starts in order, stops in reverse and exits with 0', async () => {
    const { host, run, exited } = rig();
    const order: string[] = [];
    run(async (lifecycle) => {
      for (const name of ['store', 'server']) {
        await lifecycle.start(
          name,
          () => order.push(`start ${name}`),
          () => void order.push(`stop ${name}`),
        );
      }
      host.emit('SIGTERM');
    });
    assert.deepEqual(await exited(), [0]);
    assert.deepEqual(order, ['start store', 'start server', 'stop server', 'stop store']);
  });

  it('hands to stop what start gave', async () => {
    const { run, exited } = rig();
    let stopped = 0;
    run(async (lifecycle) => {
      const port = await lifecycle.start(
        'server',
        async () => 7080,
        (started) => void (stopped = started),
      );
      lifecycle.stop(`port ${port}`);
    });
    await exited();
    assert.equal(stopped, 7080);
  });

  it('stops what had started when a later start fails, and exits with 1', async () => {
    const { run, exited, lines } = rig();
    let stopped = false;
    run(async (lifecycle) => {
      await lifecycle.start(
        'store',
        () => 1,
        () => void (stopped = true),
      );
      await lifecycle.start('server', () => Promise.reject(new Error('port in use')));
    });
    assert.deepEqual(await exited(), [1]);
    assert.equal(stopped, true);
    assert.match(lines.join(''), /"level":"fatal".*"msg":"start failed: port in use"/);
  });

  it('logs an operating failure without a stack', async () => {
    const { run, exited, lines } = rig();
    const busy = new GatewayError({
      code: 'port_in_use',
      message: 'Port in use.',
      httpStatus: 503,
      grpcStatus: 14,
    });
    run((lifecycle) => lifecycle.start('server', () => Promise.reject(busy)));
    assert.deepEqual(await exited(), [1]);
    assert.match(lines[0] ?? '', /"code":"port_in_use","msg":"Port in use\."}\n$/);
  });

  it('stops with exit code 1 when a step fails long after its start', async () => {
    const { run, exited, lines } = rig();
    let stopped = false;
    run(async (lifecycle) => {
      await lifecycle.start(
        'child',
        () => 1,
        () => void (stopped = true),
      );
      lifecycle.fail('the child died', new Error('killed'));
    });
    assert.deepEqual(await exited(), [1]);
    assert.equal(stopped, true);
    assert.match(lines.join(''), /"level":"fatal".*"msg":"the child died: killed"/);
  });

  it('stops when the terminal is closed only if it is asked to', async () => {
    const host = new Host();
    runProcess({ logger: createLogger({ level: 'error' }), stopDeadlineMs: 1, host }, async () => {});
    assert.equal(host.listenerCount('SIGHUP'), 0);
    const options = {
      logger: createLogger({ level: 'error' }),
      stopDeadlineMs: 1000,
      stopOnHangup: true,
      host,
    };
    runProcess(options, async () => {});
    host.emit('SIGHUP');
    await once(host, 'exited');
    assert.deepEqual(host.exits, [0]);
  });

  it('waits for the start in progress, stops it too, and starts nothing more', async () => {
    const { host, run, exited } = rig();
    const order: string[] = [];
    const opening = Promise.withResolvers<void>();
    run(async (lifecycle) => {
      await lifecycle.start(
        'slow',
        () => opening.promise,
        () => void order.push('stop slow'),
      );
      order.push('after slow');
      await lifecycle.start('next', () => order.push('start next'));
    });
    host.emit('SIGINT');
    await turns();
    assert.deepEqual(host.exits, []);
    opening.resolve();
    assert.deepEqual(await exited(), [0]);
    await turns();
    assert.deepEqual(order, ['stop slow']);
  });

  it('takes a start that fails because of the stop for no failure', async () => {
    const { host, run, exited, lines } = rig();
    const lost = Promise.withResolvers<never>();
    run(async (lifecycle) => {
      await lifecycle.start(
        'server',
        () => 1,
        () => lost.reject(new Error('server is gone')),
      );
      await lost.promise;
    });
    await turns();
    host.emit('SIGTERM');
    assert.deepEqual(await exited(), [0]);
    assert.doesNotMatch(lines.join(''), /fatal/);
  });

  it('exits with 1 when stopping takes longer than the deadline, not before', async () => {
    const { host, clock, run } = rig();
    run(async (lifecycle) => {
      await lifecycle.start(
        'stuck',
        () => 1,
        () => new Promise<void>(() => {}),
      );
    });
    await turns();
    host.emit('SIGTERM');
    clock.advance(999);
    assert.deepEqual(host.exits, []);
    clock.advance(1);
    assert.deepEqual(host.exits, [1]);
  });

  it('exits at once on a second signal, but takes no echo of the first one for it', async () => {
    const { host, clock, run } = rig();
    run(async (lifecycle) => {
      await lifecycle.start(
        'stuck',
        () => 1,
        () => new Promise<void>(() => {}),
      );
    });
    await turns();
    host.emit('SIGTERM');
    clock.advance(299);
    host.emit('SIGTERM');
    assert.deepEqual(host.exits, []);
    clock.advance(1);
    host.emit('SIGINT');
    assert.deepEqual(host.exits, [130]);
  });

  it('goes on stopping when one stop fails, and exits with 1', async () => {
    const { run, exited } = rig();
    let stopped = false;
    run(async (lifecycle) => {
      await lifecycle.start(
        'first',
        () => 1,
        () => void (stopped = true),
      );
      await lifecycle.start(
        'second',
        () => 1,
        () => Promise.reject(new Error('no')),
      );
      lifecycle.stop('test');
    });
    assert.deepEqual(await exited(), [1]);
    assert.equal(stopped, true);
  });

  it('logs a crash with its stack, counts it, stops and exits with 1', async () => {
    const { host, run, exited, lines } = rig();
    let counted = 0;
    run(async (lifecycle) => {
      await lifecycle.start(
        'step',
        () => 1,
        () => void (counted = lifecycle.crashes),
      );
      host.emit('uncaughtException', new Error('boom'));
    });
    assert.deepEqual(await exited(), [1]);
    assert.equal(counted, 1);
    assert.match(lines.join(''), /uncaught exception: boom/);
    assert.match(lines.join(''), /"stack":"Error: boom\\n {4}at /);
  });

  it('stops when the parent that holds its IPC channel is gone', async () => {
    const host = new Host();
    host.connected = true;
    const { run, exited } = rig(host);
    run(async (lifecycle) => {
      await lifecycle.start('step', () => 1);
      host.emit('disconnect');
    });
    assert.deepEqual(await exited(), [0]);
  });
});

describe('lifecycle of a real process', () => {
  const program = (body: string): string => `
    import { createLogger } from '${new URL('logger.ts', import.meta.url).href}';
    import { runProcess } from '${new URL('lifecycle.ts', import.meta.url).href}';
    const logger = createLogger({ level: 'info' });
    runProcess({ logger, stopDeadlineMs: 5000 }, async (lifecycle) => {
      await lifecycle.start('server', () => setInterval(() => {}, 1000));
      ${body}
    });`;

  async function exitOf(body: string, signal?: NodeJS.Signals): Promise<[number | null, string]> {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program(body)]);
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk;
      if (signal !== undefined && stderr.includes('ready')) child.kill(signal);
    });
    await once(child, 'close');
    return [child.exitCode, stderr];
  }

  it('ends with 0 on SIGTERM though a timer would keep it alive', async () => {
    const [code, stderr] = await exitOf(`logger.info('ready');`, 'SIGTERM');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /"reason":"SIGTERM","msg":"stopping"/);
  });

  it('ends with 1 on an uncaught exception and on an unhandled rejection', async () => {
    const [thrown, stderr] = await exitOf(`setTimeout(() => { throw new Error('boom'); }, 1);`);
    assert.equal(thrown, 1);
    assert.match(stderr, /"level":"fatal".*uncaught exception: boom/);
    const [rejected] = await exitOf(`void Promise.reject(new Error('boom'));`);
    assert.equal(rejected, 1);
  });
});
