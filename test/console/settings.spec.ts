import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { describeWithChromium, startChromium } from '../support/chromium';
import { http, Stack, until } from '../support/stack';
import { signInLink } from './agents';
import { openPage, signedInPage } from './browser';

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const VIOLATIONS = "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes[0].html))";

describeWithChromium('The settings page in Chromium', () => {
  let stack: Stack;
  let browser: Browser;
  let page: Page;
  let server: Server;
  let url: string;
  let status = 204;
  const received: string[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      received.push(String(request.headers['webhook-signature']));
      response.writeHead(status).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
    [stack, browser] = [await Stack.tenant(), await startChromium()];
    page = await signedInPage(browser, await signInLink(stack));
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await stack?.stop();
    server.closeAllConnections();
    server.close();
  });

  const webhooks = async (): Promise<{ name: string; secrets: number }[]> =>
    (await http(stack, 'GET', '/v1/webhooks', { key: stack.keys.admin })).body.items as never;
  const panel = () => page.getByRole('region', { name: 'Webhooks' });
  const check = async (): Promise<void> => {
    await page.evaluate(AXE);
    expect(await page.evaluate<string[]>(VIOLATIONS)).toEqual([]);
  };
  /** Pictures for people, kept only if a folder is named. */
  const pictured = async (name: string): Promise<void> => {
    if (process.env.SHOTS === undefined) return;
    for (const width of [1440, 390]) {
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({ path: `${process.env.SHOTS}/${name}-${width}.png`, fullPage: true });
    }
    await page.setViewportSize({ width: 1440, height: 900 });
  };

  it('shows who is signed in, and sets the theme by keyboard', async () => {
    await openPage(page, stack, '/settings');
    const own = page.getByRole('region', { name: 'Your session' });
    await own.getByText('analyst').waitFor();
    await own.getByRole('radio', { name: 'Dark' }).press(' ');
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark');
    await panel().getByText('No webhook yet').waitFor();
    await check();
    await pictured('settings-empty');
    await own.getByRole('radio', { name: 'Light' }).press(' ');
    await check();
  });

  it('registers a webhook by keyboard, shows its secret once, and tests it', async () => {
    await page.getByLabel('Name', { exact: true }).focus();
    await page.keyboard.type('siem');
    await page.keyboard.press('Tab');
    await page.keyboard.type(url);
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/^whsec_/).waitFor();
    await dialog.getByRole('button', { name: 'Close' }).last().press('Enter');
    expect(await page.content()).not.toContain('whsec_');
    expect(await webhooks()).toMatchObject([{ name: 'siem' }]);
    await panel().getByRole('button', { name: 'Send a test to siem' }).press('Enter');
    await page.getByText('The test reached siem.').waitFor();
    expect(received.at(-1)).toMatch(/^v1,/);
    await check();
    await pictured('settings');
  });

  it('states why a test failed, and does not replace a webhook whose settings it does not show', async () => {
    status = 500;
    await panel().getByRole('button', { name: 'Send a test to siem' }).press('Enter');
    await page.getByText('The test did not reach siem:').waitFor();
    status = 204;
    await page.getByLabel('Name', { exact: true }).fill('siem');
    await page.getByText(/siem exists already/).waitFor();
    expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
  });

  it('changes the secret, and removes the webhook after a question, by keyboard', async () => {
    await panel().getByRole('button', { name: 'New secret for siem' }).press('Enter');
    await page
      .getByRole('dialog')
      .getByText(/^whsec_/)
      .waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().press('Enter');
    await until('both secrets', async () => (await webhooks())[0]?.secrets === 2);
    await panel().getByRole('button', { name: 'Remove siem' }).press('Enter');
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).press('Enter');
    await panel().getByText('No webhook yet').waitFor();
    expect(await webhooks()).toEqual([]);
  });

  it('shows webhooks to an analyst without any control, and none of them to others', async () => {
    await http(stack, 'PUT', '/v1/webhooks/siem', { key: stack.keys.admin, body: { url } });
    const analyst = await signedInPage(browser, await signInLink(stack, stack.keys.analyst));
    await openPage(analyst, stack, '/settings');
    await analyst.getByRole('rowheader', { name: 'siem' }).waitFor();
    expect(await analyst.getByRole('button', { name: /siem|Save/ }).count()).toBe(0);
    await analyst.context().close();
    const approver = await signedInPage(browser, await signInLink(stack, stack.keys.approver));
    await openPage(approver, stack, '/settings');
    await approver.getByRole('region', { name: 'Your session' }).waitFor();
    expect(await approver.getByRole('region', { name: 'Webhooks' }).count()).toBe(0);
    await approver.context().close();
  });
});
