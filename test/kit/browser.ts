// The browser that people have, without its windows.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';
import { onEnd, type Owner } from './owner.ts';

/** Chromium of the system; pages of the context share their cookies. It is closed when `owner` ends. Throws where there is none. */
export async function startBrowser(owner: Owner): Promise<BrowserContext> {
  const browser = await chromium.launch({ executablePath: findChromium(), args: sandboxArguments() });
  onEnd(owner, () => browser.close());
  return browser.newContext();
}

function findChromium(): string {
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  const found = directories.map((directory) => join(directory, 'chromium')).find(isExecutable);
  if (found === undefined)
    throw new Error('no chromium in PATH: run scripts/setup-test-deps, on Debian: apt-get install chromium');
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Its sandbox refuses to run as root. */
function sandboxArguments(): string[] {
  return process.getuid?.() === 0 ? ['--no-sandbox'] : [];
}
