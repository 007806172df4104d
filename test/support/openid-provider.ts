import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { freePort } from '@bailiwick/platform/local-servers/ports';

/** The client of a console at the provider. */
export const CONSOLE_CLIENT = {
  clientId: 'bailiwick-console',
  clientSecret: 'a secret of the console, long enough',
} as const;

/** A real OpenID provider (`oidc-provider`), and a person with a browser who signs in at it. */
export class OpenIdProvider {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
  ) {}

  /** @param consoleAt the redirect URI of a console that signs people in, with `CONSOLE_CLIENT` */
  static async start(audience: string, consoleAt?: string): Promise<OpenIdProvider> {
    const port = await freePort();
    const script = resolve(__dirname, 'openid-provider-process.mjs');
    const child = spawn(
      process.execPath,
      [script, String(port), audience, ...(consoleAt === undefined ? [] : [consoleAt])],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    await new Promise<void>((ready, failed) => {
      child.stdout.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('ready')) ready();
      });
      child.once('exit', () => failed(new Error(`the provider did not start: ${errors}`)));
    });
    return new OpenIdProvider(`http://127.0.0.1:${port}`, child);
  }

  /**
   * Opens a page of the provider and fills in every form that follows, as `who`.
   * @returns the last page: of the command line that receives the code, or that the device may continue
   */
  browse(start: string, who: string, fields: Record<string, string> = {}): Promise<string> {
    return this.follow(start, who, fields);
  }

  /** Signs in as `who`, and returns the address to which the provider sends the browser back, which starts with `back`. */
  signIn(start: string, who: string, back: string): Promise<string> {
    return this.follow(start, who, {}, back);
  }

  private async follow(start: string, who: string, fields: Record<string, string>, back?: string): Promise<string> {
    const cookies = new Map<string, string>();
    let next: { url: string; body?: URLSearchParams } | undefined = { url: start };
    for (let steps = 0; next; steps++) {
      if (steps > 20) throw new Error(`the sign-in does not end: ${next.url}`);
      if (back !== undefined && next.url.startsWith(back)) return next.url;
      const own = next.url.startsWith(this.url);
      const response: Response = await fetch(next.url, {
        method: next.body ? 'POST' : 'GET',
        redirect: 'manual',
        headers: own ? { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') } : {},
        ...(next.body ? { body: next.body } : {}),
      });
      for (const each of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(each) ?? [];
        cookies.set(name, value);
      }
      const location = response.headers.get('location');
      const page = await response.text();
      if (location === null && !page.includes('<form')) return page;
      next =
        location === null ? filledIn(page, next.url, who, fields) : { url: new URL(location, next.url).toString() };
    }
    throw new Error('the sign-in ended without a page');
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill();
    await ended;
  }
}

function filledIn(
  page: string,
  at: string,
  who: string,
  fields: Record<string, string>,
): { url: string; body: URLSearchParams } {
  const form = /<form[^>]*action="([^"]+)"[^>]*>([\s\S]*?)<\/form>/.exec(page);
  if (!form) throw new Error(`no form: ${page.slice(0, 500)}`);
  const body = new URLSearchParams();
  for (const [input] of (form[2] ?? '').matchAll(/<input[^>]*>/g)) {
    const name = /name="([^"]+)"/.exec(input)?.[1];
    if (name !== undefined) body.set(name, fields[name] ?? /value="([^"]*)"/.exec(input)?.[1] ?? who);
  }
  return { url: new URL((form[1] ?? '').replaceAll('&amp;', '&'), at).toString(), body };
}
