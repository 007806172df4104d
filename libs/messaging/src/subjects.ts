import { parseLogName } from '@bailiwick/core/ids';

/**
 * Every NATS subject the system uses, made in one place. A name from outside never reaches a subject unchecked: a
 * dot, a space or a wildcard in it would address another tenant's subject (I9).
 */

export const SUBJECT_PREFIX = 'bailiwick';

/** What every log announces; the subjects of the event stream. */
export const ALL_EVENTS = `${SUBJECT_PREFIX}.event.*.*`;

const TOKEN = /^[a-z0-9][a-z0-9-]{0,62}$/;

function token(value: string, what: string): string {
  if (!TOKEN.test(value)) {
    throw new Error(`not a ${what}: ${JSON.stringify(value)} (want 1–63 of a–z, 0–9 and -, not starting with -)`);
  }
  return value;
}

/** `default/0` → `default.0`. The leading zeros that would give one log two subjects are refused. */
function logTokens(log: string): string {
  const { tenant, n } = parseLogName(log);
  if (log !== `${tenant}/${n}`)
    throw new Error(`not a log name: ${JSON.stringify(log)} (its number has leading zeros)`);
  return `${tenant}.${n}`;
}

/** Where the owner of a log takes commands: `bailiwick.command.<tenant>.<n>`. */
export const commandSubject = (log: string): string => `${SUBJECT_PREFIX}.command.${logTokens(log)}`;

/** Where the owner of a log takes what the intent monitor scored, and nothing else: `bailiwick.drift.<tenant>.<n>`. */
export const driftSubject = (log: string): string => `${SUBJECT_PREFIX}.drift.${logTokens(log)}`;

/** Where the owner of a log answers questions about its live state: `bailiwick.query.<tenant>.<n>`. */
export const querySubject = (log: string): string => `${SUBJECT_PREFIX}.query.${logTokens(log)}`;

/** Where an owner says that it has taken a log, `{ log }`: `bailiwick.owned`. */
export const OWNED = `${SUBJECT_PREFIX}.owned`;

/** Where an owner says that it has let go of logs: `bailiwick.freed`. */
export const FREED = `${SUBJECT_PREFIX}.freed`;

/** An operation of the ledger: `bailiwick.ledger.<op>`. */
export const ledgerSubject = (op: string): string => `${SUBJECT_PREFIX}.ledger.${token(op, 'ledger operation')}`;

/** An operation of the intent monitor: `bailiwick.intent.<op>`. */
export const intentSubject = (op: string): string => `${SUBJECT_PREFIX}.intent.${token(op, 'intent operation')}`;

/** An operation of administration: `bailiwick.admin.<op>`. */
export const adminSubject = (op: string): string => `${SUBJECT_PREFIX}.admin.${token(op, 'admin operation')}`;

/** Where the owner of a log announces each commit: `bailiwick.event.<tenant>.<n>`. */
export const eventSubject = (log: string): string => `${SUBJECT_PREFIX}.event.${logTokens(log)}`;

/** Where a service answers for its health: `bailiwick.health.<service>`. */
export const healthSubject = (service: string): string => `${SUBJECT_PREFIX}.health.${token(service, 'service name')}`;

/** `bailiwick.event.default.0` → `default/0`; undefined where no log announces its commits there. */
export function logOfEventSubject(subject: string): string | undefined {
  const [prefix, kind, tenant = '', n = '', ...more] = subject.split('.');
  if (prefix !== SUBJECT_PREFIX || kind !== 'event' || more.length > 0) return undefined;
  return TOKEN.test(tenant) && /^(0|[1-9]\d{0,5})$/.test(n) ? `${tenant}/${n}` : undefined;
}
