// `node scripts/console-screenshots.mjs LINK RUN`: draws the pages of docs/console.md with a sign-in link of a running
// installation (`npx bailiwick console`) and the id of one of its runs. Check each picture before it is committed.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { root } from './setup.mjs';

const [link, run] = process.argv.slice(2);
const folder = join(root, 'docs', 'console');
mkdirSync(folder, { recursive: true });
const pages = {
  live: '/',
  run: `/runs/${run}`,
  approvals: '/approvals',
  incident: '/incident?agentClass=reader',
};
const browser = await chromium.launch({
  executablePath: process.env.BAILIWICK_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-sync'],
});
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: 'light' });
const page = await context.newPage();
await page.goto(link);
await page.getByRole('navigation').first().waitFor();
for (const [name, path] of Object.entries(pages)) {
  await page.goto(new URL(`/console${path}`, link).href);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.locator('.loading').first().waitFor({ state: 'detached' });
  await page.waitForTimeout(1_500);
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
await browser.close();
