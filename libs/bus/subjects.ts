import { parseLogName } from '#kernel/ids';

/**
 * Every NATS subject the system uses, made in one place. A name from outside never reaches a subject unchecked: a
 * dot, a space or a wildcard in it would address another tenant's subject (I9).
 */

export const SUBJECT_PREFIX = 'bailiwick';

/** Every event of every log; the subjects of the event stream. */
export const ALL_EVENTS = `${SUBJECT_PREFIX}.event.>`;

const TOKEN = /^[a-z0-9][a-z0-9-]{0,62}$/;
const EVENT_TYPE = /^[A-Za-z][A-Za-z0-9]{0,63}$/;

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

/** An operation of the ledger: `bailiwick.ledger.<op>`. */
export const ledgerSubject = (op: string): string => `${SUBJECT_PREFIX}.ledger.${token(op, 'ledger operation')}`;

/** An operation of the intent monitor: `bailiwick.intent.<op>`. */
export const intentSubject = (op: string): string => `${SUBJECT_PREFIX}.intent.${token(op, 'intent operation')}`;

/** An operation of administration: `bailiwick.admin.<op>`. */
export const adminSubject = (op: string): string => `${SUBJECT_PREFIX}.admin.${token(op, 'admin operation')}`;

/** Where the owner of a log announces a committed event: `bailiwick.event.<tenant>.<n>.<type>`. */
export function eventSubject(log: string, type: string): string {
  if (!EVENT_TYPE.test(type))
    throw new Error(`not an event type: ${JSON.stringify(type)} (want 1–64 letters and digits)`);
  return `${SUBJECT_PREFIX}.event.${logTokens(log)}.${type}`;
}

/** Every event of one log: `bailiwick.event.<tenant>.<n>.*`. */
export const eventsOfLog = (log: string): string => `${SUBJECT_PREFIX}.event.${logTokens(log)}.*`;

/** Where a service answers for its health: `bailiwick.health.<service>`. */
export const healthSubject = (service: string): string => `${SUBJECT_PREFIX}.health.${token(service, 'service name')}`;

/** `bailiwick.event.default.0.GrantIssued` → `default/0` and `GrantIssued`; undefined where it is no event's subject. */
export function parseEventSubject(subject: string): { log: string; type: string } | undefined {
  const parts = subject.split('.');
  if (parts.length !== 5 || parts[0] !== SUBJECT_PREFIX || parts[1] !== 'event') return undefined;
  const [, , tenant, n, type] = parts as [string, string, string, string, string];
  if (!TOKEN.test(tenant) || !/^(0|[1-9]\d{0,5})$/.test(n) || !EVENT_TYPE.test(type)) return undefined;
  return { log: `${tenant}/${n}`, type };
}
