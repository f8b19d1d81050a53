import { systemClock } from '@causeway/runtime/clock';
import { runProcess } from '@causeway/runtime/lifecycle';
import { createLogger } from '@causeway/runtime/logger';
import { settingsOrExit } from '@causeway/runtime/settings-or-exit';
import { startControlPlane } from './control-plane.ts';
import { controlPlaneSettings } from './settings.ts';

/** Longest time for requests under way and the store to be closed. */
const stopDeadlineMs = 10_000;

/** Runs a control plane until it is stopped; exits 78 on bad settings, otherwise as `runProcess` says. */
export async function runControlPlane(
  argv: string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const settings = settingsOrExit({
    command: 'causeway control-plane',
    summary: 'Keeps the configuration, serves the admin API, and streams to the nodes.',
    declarations: controlPlaneSettings,
    argv,
    env,
  });
  const logger = createLogger({ level: settings.logLevel });
  runProcess({ logger, stopDeadlineMs }, (lifecycle) =>
    startControlPlane({ settings, lifecycle, logger, clock: systemClock }),
  );
}
