/** The pages of the console. */
export const CONSOLE = '/console/';

/**
 * Returns the page of the console that a sign-in leads to: a path below `/console/`, in its normal form. An address that
 * a browser would read as another one leads nowhere else than to the first page.
 */
export function pageOf(returnTo: string | undefined, publicUrl: string): string {
  if (returnTo === undefined || !returnTo.startsWith(CONSOLE) || /[\\\x00-\x20\x7f]/.test(returnTo)) return CONSOLE;
  if (!URL.canParse(returnTo, publicUrl)) return CONSOLE;
  const { origin, pathname, search, hash } = new URL(returnTo, publicUrl);
  return origin === new URL(publicUrl).origin && pathname.startsWith(CONSOLE) ? pathname + search + hash : CONSOLE;
}
