import { declareSettings, type SettingValues } from '@causeway/runtime/settings';

/** Settings of `causeway control-plane`; the text of its help and the manual's table are made from this. */
export const controlPlaneSettings = declareSettings({
  dataDir: {
    flag: '--data-dir',
    kind: 'path',
    default: './.causeway',
    help: 'Directory of all state; made with mode 0700.',
  },
  adminAddress: {
    flag: '--admin-addr',
    kind: 'address',
    default: '127.0.0.1:7080',
    help: 'Address of the admin API. Loopback only.',
  },
  adminHosts: {
    flag: '--admin-host',
    kind: 'string',
    repeatable: true,
    help: 'Host name, besides localhost and addresses, by which clients may reach the admin API.',
  },
  streamAddress: {
    flag: '--stream-addr',
    kind: 'address',
    default: '127.0.0.1:7081',
    help: 'Address of the config stream, which nodes connect to. Loopback only.',
  },
  sealingKey: {
    flag: '--sealing-key',
    kind: 'string',
    secret: true,
    help: 'Key that seals secrets at rest, 32 bytes in base64; without it one is made in the data directory.',
  },
  nodeRetention: {
    flag: '--node-retention',
    kind: 'duration',
    min: 60_000,
    max: 30 * 86_400_000,
    default: '24h',
    help: 'How long a node that is away is remembered.',
  },
  sessionTicketRotation: {
    flag: '--session-ticket-rotation',
    kind: 'duration',
    min: 1000,
    max: 7 * 86_400_000,
    default: '12h',
    help: 'Age at which the keys that nodes seal TLS session tickets with are replaced.',
  },
  logLevel: {
    flag: '--log-level',
    kind: 'choice',
    choices: ['debug', 'info', 'warn', 'error'],
    default: 'info',
    help: 'Lowest level of log lines on stderr.',
  },
});

export type ControlPlaneSettings = SettingValues<typeof controlPlaneSettings>;
