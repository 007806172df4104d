import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

/** What keeps Chromium from looking up hosts outside, and lets it run as root and without a GPU. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The Chromium of this machine: `BAILIWICK_CHROMIUM`, or where packages install it. */
export const findChromium = (): string | undefined =>
  [process.env.BAILIWICK_CHROMIUM, ...PLACES].find((path) => path !== undefined && existsSync(path));

/** `describe` if the machine has Chromium. Otherwise the tests are skipped, which `.ci/run` accepts from no machine. */
export function describeWithChromium(name: string, tests: () => void): void {
  if (findChromium() !== undefined) return describe(name, tests);
  process.stderr.write('SKIPPED: no Chromium was found (set BAILIWICK_CHROMIUM, or install the package chromium)\n');
  describe.skip(name, tests);
}

export const startChromium = (): Promise<Browser> =>
  chromium.launch({ executablePath: findChromium() as string, args: FLAGS });
