import type { Browser, Page } from 'playwright-core';
import type { Stack } from '../support/stack';

/** Opens a browser without cookies with a one-time link. */
export async function signedInPage(browser: Browser, link: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(link);
  await page.getByRole('navigation', { name: 'Pages' }).first().waitFor();
  return page;
}

/** Opens a page of the console, and waits until it has what it shows. */
export async function openPage(page: Page, stack: Stack, path: string): Promise<void> {
  await page.goto(`${stack.url}/console${path}`);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.locator('.loading').first().waitFor({ state: 'detached' });
}

/**
 * Makes the browser answer its requests for a path itself, with an object that `maker` makes in it: a hundred megabytes
 * would take longer to reach the browser than to be shown.
 * @param maker the body of a function in the page that returns the body of the answer
 */
export const answerInPage = (page: Page, path: string, maker: string): Promise<unknown> =>
  page.addInitScript(`{
    const real = window.fetch;
    let body;
    window.fetch = (input, options) => {
      if (!String(input).startsWith(${JSON.stringify(path)})) return real(input, options);
      body ??= (() => { ${maker} })();
      window.answeredAt = performance.now();
      return Promise.resolve({ ok: true, status: 200, json: () => Promise.resolve(body) });
    };
  }`);
