import { MINUTE, HOUR, DAY } from './duration';

/* Limits of API keys, sessions in browsers, and issuers of tokens. Units as in `limits.ts`. */

export const KEY_LIMITS = {
  /** keys of one tenant that have not ended */
  perTenant: 1_000,
  /** public keys of one client */
  jwks: 8,
  /** ended keys of one tenant that stay in its list */
  endedKept: 1_000,
  /** how often a gateway reads the changes of the keys, and the age from which it reads them before it accepts one */
  readMs: 300,
  freshMs: 700,
  /** how long a gateway accepts keys without having read whether they were revoked */
  vouchedMs: 5_000,
  /** how often the changes whose events are missing are looked for */
  recordMs: 1_000,
  /** changes, and reports of use, in one message */
  page: 1_000,
  /** how often a gateway reports which keys were used */
  usedMs: 5_000,
  /** the longest time for which the old and the new secret of a rotated key are both valid */
  overlapMs: 30 * DAY,
} as const;

export const SESSION_LIMITS = {
  /** how long a session of a browser lasts without use, and at most */
  idleMs: 30 * MINUTE,
  lifeMs: 8 * HOUR,
  /** how exactly its last use is known */
  useMs: 10_000,
  /** how long a sign-in link, and a sign-in at an issuer, may take */
  linkMs: 10 * MINUTE,
  signInMs: 10 * MINUTE,
  /** sessions, and links, of one holder: more end the least recently used ones of that holder alone */
  perHolder: 20,
  /** the same of one tenant */
  perTenant: 1_000,
  /** characters of the secret of a session or a link */
  secretChars: 200,
  /** sign-ins in progress at one gateway, and of one address */
  signIns: 64,
  signInsPerAddress: 16,
  /** how often an open event stream checks the credentials with which it was opened */
  streamCheckMs: 1_000,
} as const;

export const ISSUER_LIMITS = {
  most: 32,
  /** values of a claim that a configuration maps, and clients of one issuer */
  values: 1_000,
  /** one fetch of the metadata or the keys of an issuer: its time, and the size of the response */
  fetchMs: 5_000,
  documentBytes: 256 * 1024,
  /** the shortest time between two fetches for keys that are not known, or after a failure */
  refetchMs: 30_000,
  /** how long fetched keys, and the address at which they are, count as known */
  keysMs: 10 * MINUTE,
  discoveryMs: HOUR,
  /** verified tokens in the cache of a gateway, and how long one stays there */
  tokensKept: 10_000,
  tokenKeptMs: MINUTE,
  /** first uses of tokens that one gateway has recorded: of one person, and of a tenant; further ones are recorded later */
  signIns: { person: { burst: 20, everyMs: MINUTE }, tenant: { burst: 1_000, everyMs: 1_000 } },
  /** people whose rate a gateway remembers, and tokens that it has recorded */
  signersKept: 10_000,
} as const;
