import type { Browser, Page } from 'playwright-core';
import { describeWithChromium, startChromium } from '../support/chromium';
import { http, Stack } from '../support/stack';
import { seedRun, signInLink, type SeededRun } from './agents';
import { answerInPage, openPage, signedInPage } from './browser';

const LEASES = 100_000;
const GRACE = 'user:grace@example.com';
const OPEN_MAX_MS = 2_000;
const FRAMES_PER_SECOND = 30;

/** Makes a tree of three levels in the page, whose leases are all like the first one of a real tree. */
const largeTree = (tree: unknown): string => `
  const { grants: [grant], runs: [run], ...tree } = ${JSON.stringify(tree)};
  const grants = [grant], runs = [run];
  for (let at = 1; at < ${LEASES}; at += 1) {
    const parentId = at <= 100 ? grant.id : 'grt_' + (1 + (at % 100));
    grants.push({ ...grant, id: 'grt_' + at, runId: 'run_' + at, parentId, depth: at <= 100 ? 1 : 2,
      status: at % 50 === 0 ? 'revoked' : 'active' });
    runs.push({ ...run, id: 'run_' + at, grantId: 'grt_' + at, task: 'part ' + at });
  }
  return { ...tree, grants, runs };`;

/**
 * Returns a function that returns the milliseconds that the page has computed since it was last called: the time of its
 * thread and not of the clock, since other tests use the same processors.
 */
async function workOf(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const total = async (): Promise<number> => {
    const { metrics } = await session.send('Performance.getMetrics');
    return 1_000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? NaN);
  };
  let before = await total();
  return async () => {
    const now = await total();
    const spent = now - before;
    before = now;
    return spent;
  };
}

/** Zooms in, moves up and down for a second, and returns the number of frames. */
const PAN = `new Promise((resolve) => {
  const element = document.querySelector('.drawing-canvas');
  const press = (key) => element.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  for (const key of ['+', '+', '+']) press(key);
  const started = performance.now();
  let frames = 0;
  const step = (now) => {
    if (now - started >= 1_000) return resolve(frames);
    frames += 1;
    press(frames % 60 < 30 ? 'ArrowDown' : 'ArrowUp');
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})`;

describeWithChromium('The pages of inquiry in Chromium', () => {
  let stack: Stack;
  let browser: Browser;
  let page: Page;
  let seeded: SeededRun;

  beforeAll(async () => {
    stack = await Stack.tenant();
    [browser, seeded] = [await startChromium(), await seedRun(stack, 'repo-agent', 'user:ada@example.com')];
    page = await signedInPage(browser, await signInLink(stack));
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.stop();
  });

  it('draws a tree of 100,000 leases in two seconds, and moves it at 30 frames per second', async () => {
    const { body: run } = await http(stack, 'GET', `/v1/runs/${seeded.runId}`, { key: stack.keys.analyst as string });
    const path = `/v1/trees/${run.treeId as string}`;
    const { body: tree } = await http(stack, 'GET', path, { key: stack.keys.analyst as string });
    const own = await page.context().newPage();
    await answerInPage(own, path, largeTree(tree));
    await openPage(own, stack, `/runs/${seeded.runId}?tab=timeline`);
    const work = await workOf(own);
    await own.getByRole('link', { name: 'Leases' }).click();
    const canvas = own.getByRole('img', { name: /100,000 leases on 3 levels/ });
    await canvas.waitFor();
    const opened = await work();
    const frames = await own.evaluate<number>(PAN);
    const moved = await work();
    expect(opened).toBeLessThan(OPEN_MAX_MS);
    expect(frames).toBeGreaterThan(0);
    expect(moved / frames).toBeLessThan(1_000 / FRAMES_PER_SECOND);
    const grid = own.getByRole('treegrid');
    await grid.locator('[role=row][tabindex="0"]').focus();
    await own.keyboard.press('End');
    await grid.locator('[role=row][aria-rowindex="102"]').waitFor();
    await own.close();
  });

  it('keeps a sign-in by a link if an answer to an earlier request arrives after it', async () => {
    const own = await (await browser.newContext()).newPage();
    const signedIn = own.waitForResponse((answer) => answer.request().method() === 'POST');
    await own.route('**/v1/session', async (route) => {
      if (route.request().method() !== 'GET') return route.continue();
      const answer = await route.fetch();
      await signedIn;
      await route.fulfill({ response: answer });
    });
    await own.goto(await signInLink(stack));
    await (await signedIn).finished();
    await own.getByRole('navigation', { name: 'Pages' }).first().waitFor();
    await own.getByRole('heading', { level: 1 }).waitFor();
    await own.context().close();
  });

  it('shows which call used what another had returned', async () => {
    await openPage(page, stack, `/runs/${seeded.runId}?tab=data`);
    const step = page.locator('.flow-steps li').nth(1);
    await step.getByText('Uses 1 value of step 1').waitFor();
    expect(await step.innerText()).toContain('repo.commit');
  });

  it('steps through the past of a tree and marks what a what-if would have decided differently, by keyboard', async () => {
    const { body: run } = await http(stack, 'GET', `/v1/runs/${seeded.runId}`, { key: stack.keys.analyst as string });
    await openPage(page, stack, `/replay?treeId=${run.treeId as string}`);
    const slider = page.getByRole('slider', { name: 'Event' });
    await slider.focus();
    await page.keyboard.press('Home');
    const moment = page.locator('.moment');
    await moment.getByText('Run opened').waitFor();
    await page.getByRole('row').nth(1).waitFor();
    await page.getByRole('button', { name: 'Next denial' }).press('Enter');
    await moment.getByText('production.deploy is denied by production.*').first().waitFor();
    expect(await slider.getAttribute('aria-valuetext')).toContain('Denied');
    await page.getByLabel('Ask a person from').selectOption('low');
    await page.getByRole('button', { name: 'Decide again' }).press('Enter');
    await page.getByText('1 of 3 decisions would have been different.').waitFor();
    await page.getByRole('cell', { name: 'permitted → asked a person' }).waitFor();
    await page.getByRole('button', { name: /^position \d+$/ }).press('Enter');
    await moment.getByText('repo.read').waitFor();
    expect(await page.locator('.lane-difference rect').count()).toBe(2);
  });

  it('lists what a class of agents holds and used, and offboards a person, by keyboard', async () => {
    const { body } = await http(stack, 'POST', '/v1/keys', {
      key: stack.keys.admin as string,
      body: { name: 'grace', role: 'approver', person: GRACE.replace('grace', 'Grace') },
    });
    const { grantId } = await seedRun(stack, 'billing-agent', GRACE);
    await openPage(page, stack, '/agents?view=orphans');
    await page.getByRole('link', { name: 'billing-agent' }).press('Enter');
    const panel = page.getByRole('region', { name: 'billing-agent' });
    await panel.getByText('repo.read × 1').waitFor();
    await panel.getByText(GRACE).waitFor();
    await page.getByRole('link', { name: 'Offboard a person' }).press('Enter');
    await page.getByLabel('Person', { exact: true }).fill(GRACE);
    await page.keyboard.press('Enter');
    await page.getByText('2 live leases of 2 runs in their name will be revoked').waitFor();
    await page.getByText('1 key will be revoked:').waitFor();
    await page.getByLabel(/^Reason/).fill('has left');
    await page.getByLabel(`Type ${GRACE} to confirm.`).fill(GRACE);
    await page.keyboard.press('Enter');
    await page.getByText('The key grace is revoked.').waitFor();
    await page.getByText('Their sessions have ended.').waitFor();
    const read = { key: stack.keys.analyst as string };
    expect((await http(stack, 'GET', `/v1/grants/${grantId}`, read)).body.status).toBe('revoked');
    expect((await http(stack, 'GET', '/v1/session', { key: body.key as string })).status).toBe(401);
    await page.locator('.steps .step-good').nth(2).waitFor();
  });

  it('shows what a version of the policy changes, and whether a lease would permit a call', async () => {
    const own = await seedRun(stack, 'trial-agent', 'user:ada@example.com');
    const admin = stack.as('admin');
    const entry = (risk: string) => `catalog:
  - match: [parcel.track]
    effects: [read]
    risk: ${risk}
    words: follow parcels
`;
    const first = await admin.deployPolicy({ 'a.yaml': entry('low') }, 0);
    const second = await admin.deployPolicy({ 'a.yaml': entry('medium') }, first.version);
    await openPage(page, stack, '/policy');
    await page.getByRole('link', { name: `against version ${first.version}` }).press('Enter');
    const compared = page.getByRole('region', { name: `What version ${second.version} changes` });
    await compared.getByText('Changed', { exact: true }).waitFor();
    await compared.getByText('1 change stricter').waitFor();
    await compared.getByText('Low risk → Medium risk').waitFor();
    await compared.locator('summary', { hasText: 'parcel.track' }).press('Enter');
    await compared.getByText('"risk": "low"').waitFor();
    await page.getByLabel('Lease', { exact: true }).fill(own.grantId);
    await page.getByLabel('Verb', { exact: true }).fill('production.deploy');
    await page.getByLabel('Type of resource').fill('repo');
    await page.getByLabel('Resource', { exact: true }).fill('acme/clord');
    await page.keyboard.press('Enter');
    await page.getByText('It would be denied').waitFor();
    await page.getByText('production.deploy is denied by production.*').first().waitFor();
    await page.getByLabel('Verb', { exact: true }).fill('repo.read');
    await page.getByLabel('Effect').selectOption('read');
    await page.getByRole('button', { name: 'Try it' }).press('Enter');
    await page.getByText(/It would be permitted|A person would be asked/).waitFor();
    const { body } = await http(stack, 'GET', `/v1/grants/${own.grantId}`, { key: stack.keys.analyst as string });
    expect((body.consumed as { calls: number }).calls).toBe(1);
  });

  it('suspends what a selector matches for a time, by keyboard, and resumes all of it with a reason', async () => {
    const held = await seedRun(stack, 'night-agent', 'user:ada@example.com');
    const status = async (): Promise<unknown> =>
      (await http(stack, 'GET', `/v1/grants/${held.grantId}`, { key: stack.keys.analyst as string })).body.status;
    await openPage(page, stack, '/incident?agentClass=night-agent');
    await page.getByLabel(/^Suspend: it acts again/).press(' ');
    await page
      .getByRole('combobox', { name: /^It is resumed/ })
      .selectOption({ label: 'by a person, or after 4 hours' });
    const confirm = page.getByRole('button', { name: /^Suspend \d leases/ });
    await confirm.waitFor();
    const count = /\d/.exec(await confirm.innerText())?.[0] as string;
    await page.getByLabel(/^Reason/).fill('acts at night');
    await page.getByLabel(`Type ${count}`).fill(count);
    await page.keyboard.press('Enter');
    await page.getByText('Suspended', { exact: true }).waitFor();
    expect(await status()).toBe('suspended');
    const { searchParams } = new URL(page.url());
    const record = `/v1/revocations/${searchParams.get('revocation')}`;
    const { body } = await http(stack, 'GET', record, { key: stack.keys.analyst as string });
    expect(Date.parse(body.until as string) - Date.parse(body.at as string)).toBeGreaterThan(3.9 * 3_600_000);
    await page.getByRole('button', { name: 'Resume all' }).press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel(/^Reason/).fill('it was on duty');
    await page.keyboard.press('Enter');
    await page.getByText('Resumed', { exact: true }).first().waitFor();
    expect(await status()).toBe('active');
  });

  it('adds a class that is spelled alike, and states what was made since if a revocation is refused', async () => {
    const open = (agentClass: string): Promise<SeededRun> => seedRun(stack, agentClass, 'user:ada@example.com');
    await open('price-agent');
    const { grantId } = await open('price_agent');
    await openPage(page, stack, '/incident?agentClass=price-agent');
    await page.getByRole('button', { name: 'Stop it too price_agent' }).press('Enter');
    await page.getByRole('button', { name: 'Revoke 4 leases' }).waitFor();
    await page.getByLabel(/^Reason/).fill('buys at any price');
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    await page.route('**/v1/revocations/preview', (route) => released.then(() => route.continue()));
    await open('price-agent');
    await page.getByLabel('Type 4').fill('4');
    await page.keyboard.press('Enter');
    await page.getByText('+2 leases').waitFor();
    release();
    await page.getByLabel(/^Stop these as well/).press(' ');
    await page.getByLabel('Type 6').fill('6');
    await page.keyboard.press('Enter');
    await page.getByText('Agent class price-agent or Agent class price_agent').waitFor();
    const { body } = await http(stack, 'GET', `/v1/grants/${grantId}`, { key: stack.keys.analyst as string });
    expect(body.status).toBe('revoked');
  });

  it('shows 1,000 questions fluently, and shows an approver that another one was faster', async () => {
    const read = { key: stack.keys.approver as string };
    await seedRun(stack, 'asking-agent', 'user:ada@example.com');
    const { body } = await http(stack, 'GET', '/v1/approvals?status=pending', read);
    const [question] = body.items as { id: string }[];
    const own = await page.context().newPage();
    await answerInPage(
      own,
      '/v1/approvals?',
      `const question = ${JSON.stringify(question)};
      const items = Array.from({ length: 1000 }, (_, at) => ({ ...question, id: at === 0 ? question.id : 'apr_' + at }));
      return { items, next: null };`,
    );
    await openPage(own, stack, '/approvals');
    const items = own.getByRole('navigation', { name: 'Questions' }).getByRole('listitem');
    await items.first().waitFor();
    expect(await items.first().getAttribute('aria-setsize')).toBe('1000');
    expect(await items.count()).toBeLessThan(40);
    const work = await workOf(own);
    for (let at = 0; at < 20; at += 1) await own.keyboard.press('j');
    await own.locator('[aria-posinset="21"] [aria-current=true]').waitFor();
    expect((await work()) / 20).toBeLessThan(100);
    for (let at = 0; at < 20; at += 1) await own.keyboard.press('k');
    await own.locator('[aria-posinset="1"] [aria-current=true]').waitFor();
    const decision = { key: stack.keys.approver as string, body: { verdict: 'deny', note: 'not now' } };
    await http(stack, 'POST', `/v1/approvals/${question?.id}/decision`, decision);
    await own.keyboard.press('a');
    await own.getByRole('status').filter({ hasText: 'Answered by another person' }).waitFor();
    await own.close();
  });

  it('shows nothing of another tenant by its ids', async () => {
    const { body } = await http(stack, 'POST', '/v1/tenants', {
      key: stack.installationKey,
      body: { id: `other-${stack.port}-${process.pid}` },
    });
    const { orchestrator, enforcer } = body.keys as Record<string, string>;
    const other = { url: stack.url, keys: { orchestrator, enforcer } } as unknown as Stack;
    const { runId } = await seedRun(other, 'their-agent', 'user:eve@example.com');
    await page.goto(`${stack.url}/console/runs/${runId}`);
    await page.getByText('Nothing with this address was found in this tenant.').waitFor();
    expect(await page.locator('main').innerText()).not.toContain('their-agent');
  });
});
