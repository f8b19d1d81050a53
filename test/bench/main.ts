// `npm run bench -- NAME`: benches are run by hand and never decide a test run.

import { parseArgs } from 'node:util';
import { OwnScope } from '../kit/owner.ts';
import { benchAccessLog } from './access-log.ts';
import { benchConfig } from './config.ts';
import { benchEvents } from './events.ts';
import { benchFilters } from './filters.ts';
import { benchGrpc } from './grpc.ts';
import { benchIdle } from './idle.ts';
import { benchLimits } from './limits.ts';
import { describeMachine } from './machine.ts';
import { benchProxies } from './proxy.ts';
import { benchSwap } from './swap.ts';
import { benchTokens } from './tokens.ts';
import { benchTranscode } from './transcode.ts';
import { benchIdleWebSockets } from './websocket-idle.ts';
import { benchWebSocket } from './websocket.ts';

const usage = `npm run bench -- proxy [--seconds 5] [--only ours,nginx] [--scenario small,small-tls,small-h2,handshakes,download,upload]
npm run bench -- idle [--only ours,nginx]
npm run bench -- websocket [--seconds 5] [--only ours,nginx]
npm run bench -- websocket-idle [--only ours,nginx]
npm run bench -- events [--seconds 5] [--only ours,nginx]
npm run bench -- filters [--seconds 5] [--only plain,all]
npm run bench -- grpc [--seconds 5]
npm run bench -- transcode [--seconds 5]
npm run bench -- tokens
npm run bench -- limits [--seconds 5]
npm run bench -- swap
npm run bench -- config
npm run bench -- router
npm run bench -- pick
npm run bench -- access-log
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '5' },
    only: { type: 'string' },
    scenario: { type: 'string' },
    help: { type: 'boolean' },
  },
});

const only = values.only?.split(',');

// Without this a Ctrl-C would end this process and leave its children; on exit the kit kills them.
process.once('SIGINT', () => process.exit(130));

const secondsOf = (): number => {
  const seconds = Number(values.seconds);
  if (Number.isInteger(seconds) && seconds >= 1) return seconds;
  refuse();
  process.exit();
};

switch (values.help === true ? '' : positionals.join(' ')) {
  case 'proxy':
    await runProxyBench(secondsOf());
    break;
  case 'idle':
    print(describeMachine());
    await benchIdle({ only, print });
    break;
  case 'websocket':
    print(describeMachine());
    await benchWebSocket({ seconds: secondsOf(), only, print });
    break;
  case 'websocket-idle':
    print(describeMachine());
    await benchIdleWebSockets({ only, print });
    break;
  case 'events':
    print(describeMachine());
    await benchEvents({ seconds: secondsOf(), only, print });
    break;
  case 'filters':
    print(describeMachine());
    await benchFilters({ seconds: secondsOf(), only, print });
    break;
  case 'grpc':
    print(describeMachine());
    await benchGrpc(secondsOf(), print);
    break;
  case 'transcode':
    print(describeMachine());
    await benchTranscode(secondsOf(), print);
    break;
  case 'tokens':
    print(describeMachine());
    await benchTokens(print);
    break;
  case 'limits':
    print(describeMachine());
    await benchLimits(secondsOf(), print);
    break;
  case 'swap':
    print(describeMachine());
    await benchSwap(print);
    break;
  case 'config':
    print(describeMachine());
    await benchConfig(print);
    break;
  case 'router':
    await import('./router.ts');
    break;
  case 'pick':
    await import('./pick.ts');
    break;
  case 'access-log':
    print(describeMachine());
    await benchAccessLog(print);
    break;
  default:
    refuse();
}

async function runProxyBench(seconds: number): Promise<void> {
  print(describeMachine());
  const scope = new OwnScope();
  try {
    await benchProxies(scope, { seconds, only, scenario: values.scenario?.split(','), print });
  } finally {
    await scope.end();
  }
}

function refuse(): void {
  process.stderr.write(usage);
  process.exitCode = 2;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
