/**
 * The cookies of the console. The prefix has browsers accept them only over TLS or from this machine, with `Path=/` and
 * without `Domain`, so that no other host sets or reads them.
 */
export const SESSION_COOKIE = '__Host-bailiwick';
export const SIGN_IN_COOKIE = '__Host-bailiwick-sign-in';

const VALUE = /^[\w.-]{1,4000}$/;

/** Returns a cookie of a request; undefined without one, with a malformed one, or with several of the name. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  const found = (header ?? '')
    .split(';')
    .map((each) => each.trim())
    .filter((each) => each.startsWith(`${name}=`))
    .map((each) => each.slice(name.length + 1));
  const [only, ...others] = found;
  return only !== undefined && others.length === 0 && VALUE.test(only) ? only : undefined;
}

/** The session: never sent with a request that another site causes. */
export const sessionCookie = (secret: string, seconds: number): string =>
  `${SESSION_COOKIE}=${secret}; Path=/; Max-Age=${seconds}; HttpOnly; Secure; SameSite=Strict`;

/** What an authorization response is bound to. The issuer's page sends the browser back, so it is lax. */
export const signInCookie = (sealed: string, seconds: number): string =>
  `${SIGN_IN_COOKIE}=${sealed}; Path=/; Max-Age=${seconds}; HttpOnly; Secure; SameSite=Lax`;
