import { declareSettings, type SettingValues } from '@causeway/runtime/settings';

/** Settings of `causeway data-plane`; the text of its help and the manual's table are made from this. */
export const dataPlaneSettings = declareSettings({
  controlPlane: {
    flag: '--control-plane',
    kind: 'address',
    default: '127.0.0.1:7081',
    help: "The control plane's config stream.",
  },
  nodeId: {
    flag: '--node-id',
    kind: 'string',
    help: 'Name of this node, unique in the fleet; without it a UUID that is kept in the data directory.',
  },
  gateway: {
    flag: '--gateway',
    kind: 'string',
    default: 'default',
    help: 'The Gateway that this node serves.',
  },
  dataDir: {
    flag: '--data-dir',
    kind: 'path',
    default: './.causeway',
    help: 'Directory of all state; made with mode 0700. A node keeps its own in nodes/ID.',
  },
  statusAddress: {
    flag: '--status-addr',
    kind: 'address',
    default: '127.0.0.1:7090',
    help: 'Address of /livez, /readyz, /metrics and /version.',
  },
  pluginDir: {
    flag: '--plugin-dir',
    kind: 'path',
    help: 'Directory with the modules of plugins; without it this node takes none. Their code runs in the node.',
  },
  workers: {
    flag: '--workers',
    kind: 'integer',
    min: 1,
    max: 256,
    help: 'Threads that proxy; as many as the process has CPUs without it.',
  },
  workerTimeout: {
    flag: '--worker-timeout',
    kind: 'duration',
    min: 0,
    max: 600_000,
    default: '10s',
    help: 'A worker whose event loop does not turn for so long is replaced; 0s = never.',
  },
  labels: {
    flag: '--label',
    kind: 'label',
    help: 'Labels of this node.',
  },
  nodeTokenFile: {
    flag: '--node-token-file',
    kind: 'path',
    help: 'File with the token that the control plane made for nodes; default node.token in the data directory.',
  },
  drainDelay: {
    flag: '--drain-delay',
    kind: 'duration',
    min: 0,
    max: 600_000,
    help: "How long after SIGTERM connections are still accepted; the Gateway's timeouts.drainDelay without it.",
  },
  logLevel: {
    flag: '--log-level',
    kind: 'choice',
    choices: ['debug', 'info', 'warn', 'error'],
    default: 'info',
    help: 'Lowest level of log lines on stderr.',
  },
});

export type DataPlaneSettings = SettingValues<typeof dataPlaneSettings>;
