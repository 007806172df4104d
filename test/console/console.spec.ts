import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { describeWithChromium, startChromium } from '../support/chromium';
import { http, Stack, until } from '../support/stack';
import { seedRun, signInLink, type SeededRun } from './agents';

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const PAGES = [
  '/',
  '/approvals',
  '/incident',
  '/mine',
  '/replay',
  '/log',
  '/receipt',
  '/policy',
  '/budgets',
  '/servers',
  '/keys',
  '/settings',
];
const TABS = ['tree', 'timeline', 'data', 'drift', 'receipt'].map((tab) => `/runs/RUN?tab=${tab}`);

interface AxeResults {
  readonly violations: readonly { id: string; nodes: readonly { html: string }[] }[];
}

describeWithChromium('The console in Chromium', () => {
  let stack: Stack;
  let browser: Browser;
  let page: Page;
  let first: SeededRun;
  let second: SeededRun;
  const outside: string[] = [];

  beforeAll(async () => {
    stack = await Stack.start({}, ['--no-demo']);
    [browser, first, second] = [
      await startChromium(),
      await seedRun(stack, 'repo-agent', 'user:ada@example.com'),
      await seedRun(stack, 'billing-agent', 'user:grace@example.com'),
    ];
    page = await signedIn(await signInLink(stack));
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.stop();
  });

  /** Opens a browser without cookies with a one-time link. */
  async function signedIn(link: string): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const opened = await context.newPage();
    opened.setDefaultTimeout(20_000);
    opened.on('request', (request) => {
      if (!request.url().startsWith(stack.url)) outside.push(request.url());
    });
    await opened.goto(link);
    await opened.getByRole('navigation', { name: 'Pages' }).first().waitFor();
    return opened;
  }
  const open = (path: string): Promise<unknown> => page.goto(`${stack.url}/console${path}`);
  const openWhole = async (path: string): Promise<void> => {
    await open(path);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.locator('.loading').first().waitFor({ state: 'detached' });
  };
  const violations = async (run: string): Promise<string[]> =>
    (await page.evaluate<AxeResults>(run)).violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 160)}`);
  const heading = (name: string | RegExp): Promise<void> => page.getByRole('heading', { name }).first().waitFor();
  const statusOf = async (path: string, role = 'analyst'): Promise<unknown> =>
    (await http(stack, 'GET', path, { key: stack.keys[role] as string })).body.status;

  it('is served with a policy that permits no inline script, no other origin and no frame', async () => {
    const { headers, status } = await http(stack, 'GET', '/console/approvals');
    expect(status).toBe(200);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('removes the code of the sign-in link from the address, and keeps no secret that scripts can read', async () => {
    expect(page.url()).not.toContain('code');
    const stored = await page.evaluate<string>(
      'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])',
    );
    expect(stored).not.toMatch(/bwk_|bailiwick=/);
  });

  it('opens a run from the live list by keyboard, and shows its leases and why a call was denied', async () => {
    await open('/');
    await page.getByRole('link', { name: 'repo-agent' }).focus();
    await page.keyboard.press('Enter');
    await heading(/repo-agent/);
    const grid = page.getByRole('treegrid');
    await grid.locator('[role=row][tabindex="0"]').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.locator('[role=row][aria-selected=true]', { hasText: 'reader' }).waitFor();
    await page.getByRole('link', { name: 'Timeline' }).focus();
    await page.keyboard.press('Enter');
    await page.locator('.entry-denied summary').first().press('Enter');
    await page.locator('.reasons').getByText('production.deploy is denied by production.*').first().waitFor();
  });

  it('denies a question only with a reason, and approves another, by keyboard', async () => {
    await open('/approvals');
    await heading(/wants/);
    const id = await chosenApproval();
    await page.keyboard.press('d');
    await page.getByText('A denial needs a reason').waitFor();
    await page.keyboard.type('not this week');
    await page.getByRole('button', { name: /^Deny/ }).focus();
    await page.keyboard.press('Enter');
    await until('the denial', async () => (await statusOf(`/v1/approvals/${id}`)) === 'denied');
    await page.getByRole('status').filter({ hasText: 'Denied' }).waitFor();
    const other = await chosenApproval(id);
    await page.keyboard.press('a');
    await until('the approval', async () => (await statusOf(`/v1/approvals/${other}`)) === 'approved');
    await page.getByText('Nothing waits for you').waitFor();
  });

  /** The id of the question that is shown, once it is another than the one before. */
  async function chosenApproval(before?: string): Promise<string> {
    const { body } = await http(stack, 'GET', '/v1/approvals?status=pending', { key: stack.keys.approver as string });
    const items = (body.items as { id: string; expiresAt: string; agentClass: string }[])
      .filter(({ id }) => id !== before)
      .sort((a, b) => a.expiresAt.localeCompare(b.expiresAt));
    await page.getByRole('heading', { name: new RegExp(`${items[0]?.agentClass} wants`) }).waitFor();
    return items[0]?.id as string;
  }

  it('revokes what a selector matches after its count was typed, by keyboard', async () => {
    await open('/incident');
    await page.getByLabel('Agent class').focus();
    await page.keyboard.type('billing-agent');
    await page.getByRole('button', { name: 'Revoke 2 leases' }).waitFor();
    await page.getByLabel(/^Reason/).focus();
    await page.keyboard.type('left its purpose');
    await page.getByLabel(/^Incident id/).fill('INC-2041');
    await page.getByLabel('Type 2').focus();
    await page.keyboard.type('2');
    await page.keyboard.press('Enter');
    await page.getByText('In effect from position').waitFor();
    expect(await statusOf(`/v1/grants/${second.grantId}`)).toBe('revoked');
    await page.getByRole('rowheader', { name: 'billing-agent' }).first().waitFor();
    await page.getByRole('definition').filter({ hasText: 'INC-2041' }).waitFor();
  });

  it('verifies a receipt in the browser against a key that a person pastes, and refuses another key', async () => {
    const vkey = ((await http(stack, 'GET', '/log/default/0/vkey')).body.text as string).trim();
    await open(`/runs/${second.runId}?tab=receipt`);
    await page.getByRole('button', { name: 'Fetch the receipt' }).press('Enter');
    await page.getByRole('button', { name: 'Verify in this browser' }).press('Enter');
    const key = page.getByLabel('Verifier key of the log');
    await key.fill(vkey.replace(/\+.*$/, '+92a9de6d+ASsOWK7Cg0UIxPtmixRR33R6Vl8wFSwjLwN5PnCkA7iX'));
    await page.getByRole('button', { name: 'Verify', exact: true }).press('Enter');
    await page.getByText('The receipt does not verify').waitFor();
    await key.fill(vkey);
    await page.getByRole('button', { name: 'Verify', exact: true }).press('Enter');
    await page.getByText('The receipt verifies').waitFor();
  });

  it('verifies the log, and issues a key that is shown once and stored nowhere', async () => {
    await open('/log');
    await page.getByRole('button', { name: 'Verify the whole log' }).press('Enter');
    await page.getByText(/Verified: \d+ events/).waitFor();
    await open('/keys');
    await page.getByLabel('Name', { exact: true }).focus();
    await page.keyboard.type('reports');
    await page.keyboard.press('Enter');
    const secret = await page.getByRole('dialog').locator('pre').innerText();
    expect(secret).toMatch(/^bwk_/);
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().press('Enter');
    await page.getByRole('rowheader', { name: 'reports' }).waitFor();
    expect(await page.content()).not.toContain(secret);
  });

  it('shows hostile texts of agents as text, and the characters that would reorder them, on every page', async () => {
    await seedRun(stack, 'evil-agent', 'user:ada@example.com');
    for (const path of [...PAGES, `/runs/${first.runId}`, `/runs/${first.runId}?tab=timeline`]) {
      await openWhole(path);
      expect([path, await page.evaluate<boolean>("'pwned' in window")]).toEqual([path, false]);
      expect([path, await page.locator('main img, main script').count()]).toEqual([path, 0]);
    }
    await open('/approvals');
    await page.getByText('U+202E').first().waitFor();
    expect(await page.locator('main').innerText()).not.toContain('\u202E');
  });

  it.each([...PAGES, ...TABS])('has no violation that axe finds, in both themes: %s', async (path) => {
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    await openWhole(path.replace('RUN', first.runId));
    await page.evaluate(AXE);
    expect(await violations('axe.run()')).toEqual([]);
    // the themes differ in colors alone
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
    expect(await violations("axe.run({ runOnly: ['color-contrast'] })")).toEqual([]);
  });

  it('stops what runs in the name of a person, by keyboard', async () => {
    const { body } = await http(stack, 'POST', '/v1/keys', {
      key: stack.keys.admin as string,
      body: { name: 'ada', role: 'approver', person: 'user:ada@example.com' },
    });
    const own = await signedIn(await signInLink(stack, body.key as string));
    await own.goto(`${stack.url}/console/mine`);
    const stop = own.getByRole('button', { name: 'Stop: repo-agent' });
    await stop.focus();
    await own.keyboard.press('Enter');
    await own.getByRole('dialog').waitFor();
    await own.keyboard.press('Enter');
    await until('the end of the run', async () => (await statusOf(`/v1/grants/${first.grantId}`)) === 'revoked');
    await own.context().close();
  });

  it('keeps a form if the session ends, and shows how to sign in again', async () => {
    await open('/incident');
    await page.getByLabel('Principal').fill('user:lin@example.com');
    await page.context().clearCookies();
    await page.getByLabel('Agent class').fill('reader');
    await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor();
    await page
      .getByRole('dialog')
      .getByLabel(/paste the link/)
      .fill(await signInLink(stack));
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await page.getByLabel('Principal').inputValue()).toBe('user:lin@example.com');
  });

  it('sends no request to another origin', () => {
    expect(outside).toEqual([]);
  });
});
