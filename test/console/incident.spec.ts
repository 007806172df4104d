import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { describeWithChromium, startChromium } from '../support/chromium';
import { http, Stack } from '../support/stack';
import { seedRun, type SeededRun } from './agents';
import { openPage, signedInPage } from './browser';

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const VIOLATIONS = "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes[0].html))";
const PEOPLE = ['approver', 'responder', 'analyst', 'orchestrator'];

/** After a stop: where it is in effect, its record, and what people can grant again. */
describeWithChromium('The incident page after a revocation, in Chromium', () => {
  let stack: Stack;
  let browser: Browser;
  let page: Page;
  let seeded: SeededRun;
  let revocationId: string;

  const signedIn = async (roles: readonly string[]): Promise<Page> => {
    const keys = roles.map((role) => stack.keys[role]);
    const { body } = await http(stack, 'POST', '/v1/session-links', {
      key: stack.keys.admin as string,
      body: { keys },
    });
    return signedInPage(browser, (body.url as string).replace(/^https?:\/\/[^/]+/, stack.url));
  };

  beforeAll(async () => {
    stack = await Stack.tenant();
    [browser, seeded] = [await startChromium(), await seedRun(stack, 'crawl-agent', 'user:ada@example.com')];
    page = await signedIn(PEOPLE);
    ({ revocationId } = await stack.as('responder').revokeAll({
      selector: { agentClass: 'crawl-agent' },
      reason: 'left its purpose',
      force: true,
      incident: 'INC-9',
    }));
  }, 120_000);
  /** Pictures for people, kept only if a folder is named. */
  const pictured = async (name: string): Promise<void> => {
    if (process.env.SHOTS === undefined) return;
    for (const width of [1440, 390]) {
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({ path: `${process.env.SHOTS}/${name}-${width}.png`, fullPage: true });
    }
    await page.setViewportSize({ width: 1440, height: 900 });
  };
  afterAll(async () => {
    await browser?.close();
    await stack?.stop();
  });

  it('finds the stops of an incident by its id, by keyboard', async () => {
    await openPage(page, stack, '/incident');
    await page.getByLabel('Stops of an incident').focus();
    await page.keyboard.type('INC-9');
    await page.keyboard.press('Enter');
    const found = page.getByRole('region', { name: 'Stops of INC-9' });
    await found.getByRole('link').press('Enter');
    await page.getByText('In effect from position').waitFor();
    expect(new URL(page.url()).searchParams.get('revocation')).toBe(revocationId);
  });

  it('lists the suspensions and quarantines in force, each with a link to where it is lifted, by keyboard', async () => {
    const { revocationId: held } = await stack.as('responder').revokeAll({
      selector: { agentClass: 'held-agent' },
      reason: 'under review',
      mode: 'suspend',
      force: true,
    });
    await openPage(page, stack, '/incident');
    const list = page.getByRole('region', { name: 'In force now' });
    const row = list.getByRole('row').filter({ hasText: 'held-agent' });
    expect(await row.innerText()).toMatch(/under review[\s\S]*suspends leases/);
    expect(await list.getByText('crawl-agent').count()).toBe(0); // ended for good: there is nothing to lift
    await pictured('in-force');
    await page.evaluate(AXE);
    expect(await page.evaluate<string[]>(VIOLATIONS)).toEqual([]);
    await row.getByRole('link', { name: /^Open/ }).press('Enter');
    await page.getByRole('button', { name: 'Resume all' }).press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('it is fine');
    await dialog.getByRole('button', { name: 'Resume all' }).press('Enter');
    await page.getByText('Resumed').first().waitFor();
    await openPage(page, stack, '/incident');
    expect(await page.getByText('held-agent').count()).toBe(0);
    expect((await stack.as('analyst').revocation(held)).resumedAt).toBeDefined();
  });

  it('shows each point that enforces the stop, with its position, and how much of the record is shown', async () => {
    await openPage(page, stack, `/incident?revocation=${revocationId}`);
    const points = page.getByRole('region', { name: 'Certainty, point by point' });
    await points.getByText(/^In effect at \d+ of \d+ enforcement points?$/).waitFor();
    const owner = points.getByRole('row').filter({ hasText: /^owner of / });
    expect(await owner.innerText()).toMatch(/in effect[\s\S]*at once/);
    await page.getByText(/^\d+ of \d+ consequences? shown$/).waitFor();
  });

  it('states plainly which point was not heard of, and what it does on its own', async () => {
    const own = await page.context().newPage();
    await own.route('**/v1/enforcement-points?*', async (route) => {
      const answer = await route.fetch();
      const body = (await answer.json()) as { items: object[] };
      const silent = { name: 'boundary-9', kind: 'boundary', state: 'silent', silentMs: 9_200, boundMs: 5_000 };
      await route.fulfill({ response: answer, json: { ...body, confirmed: false, items: [...body.items, silent] } });
    });
    await openPage(own, stack, `/incident?revocation=${revocationId}`);
    await own.getByText(/^Not confirmed by 1 of \d+ enforcement points/).waitFor();
    await own.getByText(/Not heard of for 9\.2 s\. It aborts its calls on its own after 5 s/).waitFor();
    await own.close();
  });

  it('has no violation that axe finds, in both themes', async () => {
    for (const theme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: theme });
      await openPage(page, stack, `/incident?revocation=${revocationId}`);
      await page.getByRole('checkbox', { name: /^crawl-agent/ }).waitFor();
      await pictured(theme);
      await page.evaluate(AXE);
      expect([theme, await page.evaluate<string[]>(VIOLATIONS)]).toEqual([theme, []]);
    }
    await page.emulateMedia({ colorScheme: 'light' });
  });

  it('lists what could be granted again to a responder, and states which role asks for it', async () => {
    const own = await signedIn(['responder', 'analyst']);
    await openPage(own, stack, `/incident?revocation=${revocationId}`);
    await own.getByText(/sign in with the role orchestrator/).waitFor();
    expect(await own.getByRole('button', { name: /^Ask for/ }).count()).toBe(0);
    await own.context().close();
  });

  it('asks for what was left, by keyboard, and links the approval that waits', async () => {
    await openPage(page, stack, `/incident?revocation=${revocationId}`);
    await page.getByRole('checkbox', { name: /^crawl-agent/ }).press(' ');
    await page.getByRole('button', { name: 'Ask for 1 lease' }).press('Enter');
    await page.getByRole('link', { name: /^Waits for approval/ }).press('Enter');
    await page.getByRole('heading', { name: /crawl-agent wants/ }).waitFor();
    const id = new URL(page.url()).searchParams.get('id') as string;
    const { body } = await http(stack, 'GET', `/v1/approvals/${id}`, { key: stack.keys.approver as string });
    expect(body).toMatchObject({ status: 'pending', kind: 'grant' });
    expect(JSON.stringify(body)).toContain(`what was left of ${seeded.grantId}`);
    await openPage(page, stack, `/incident?revocation=${revocationId}`);
    await page.getByText('Asked for before, as').waitFor();
    expect(await page.getByRole('checkbox', { name: /^crawl-agent/ }).count()).toBe(0);
  });
});
