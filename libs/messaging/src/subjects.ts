import { parseLogName } from '@bailiwick/core/ids';

/**
 * Builds every NATS subject of the system. A name from outside never becomes part of a subject unchecked: a dot, a
 * space or a wildcard in it would address another tenant's subject (I9).
 */

export const SUBJECT_PREFIX = 'bailiwick';

const TOKEN = /^[a-z0-9][a-z0-9-]{0,62}$/;

function token(value: string, what: string): string {
  if (!TOKEN.test(value)) {
    throw new Error(`not a ${what}: ${JSON.stringify(value)} (want 1–63 of a–z, 0–9 and -, not starting with -)`);
  }
  return value;
}

/** Converts `default/0` to `default.0`. Leading zeros, which would give one log two subjects, are refused. */
function logTokens(log: string): string {
  const { tenant, n } = parseLogName(log);
  if (log !== `${tenant}/${n}`)
    throw new Error(`not a log name: ${JSON.stringify(log)} (its number has leading zeros)`);
  return `${tenant}.${n}`;
}

/** Commands to the owner of a log: `bailiwick.command.<tenant>.<n>`. */
export const commandSubject = (log: string): string => `${SUBJECT_PREFIX}.command.${logTokens(log)}`;

/** Drift scores from the intent monitor to the owner of a log, and nothing else: `bailiwick.drift.<tenant>.<n>`. */
export const driftSubject = (log: string): string => `${SUBJECT_PREFIX}.drift.${logTokens(log)}`;

/** Queries about live state to the owner of a log: `bailiwick.query.<tenant>.<n>`. */
export const querySubject = (log: string): string => `${SUBJECT_PREFIX}.query.${logTokens(log)}`;

/** Commands about calls from an enforcement point, and no others: `bailiwick.call.command.<tenant>.<n>`. */
export const callCommandSubject = (log: string): string => `${SUBJECT_PREFIX}.call.command.${logTokens(log)}`;

/** Queries that an enforcement point needs, and no others: `bailiwick.call.query.<tenant>.<n>`. */
export const callQuerySubject = (log: string): string => `${SUBJECT_PREFIX}.call.query.${logTokens(log)}`;

/** Notification by an owner that it has taken a log, `{ log }`: `bailiwick.owned`. */
export const OWNED = `${SUBJECT_PREFIX}.owned`;

/** Notification by an owner that it has released logs: `bailiwick.freed`. */
export const FREED = `${SUBJECT_PREFIX}.freed`;

/** An operation of the ledger: `bailiwick.ledger.<op>`. */
export const ledgerSubject = (op: string): string => `${SUBJECT_PREFIX}.ledger.${token(op, 'ledger operation')}`;

/** An operation of the intent monitor: `bailiwick.intent.<op>`. */
export const intentSubject = (op: string): string => `${SUBJECT_PREFIX}.intent.${token(op, 'intent operation')}`;

/** An operation of administration: `bailiwick.admin.<op>`. */
export const adminSubject = (op: string): string => `${SUBJECT_PREFIX}.admin.${token(op, 'admin operation')}`;

/** An operation of the boundary: `bailiwick.boundary.<op>`. */
export const boundarySubject = (op: string): string => `${SUBJECT_PREFIX}.boundary.${token(op, 'boundary operation')}`;

/** Reports of enforcement points of a kind about the epochs that they enforce: `bailiwick.enforced.<kind>`. */
export const enforcedSubject = (kind: string): string => `${SUBJECT_PREFIX}.enforced.${token(kind, 'kind of points')}`;

/** Asks every boundary process to check its calls in flight of a log now, `{ log }`: `bailiwick.boundary.epoch`. */
export const EPOCH_ASKED = boundarySubject('epoch');

/** Announcements of each commit by the owner of a log: `bailiwick.event.<tenant>.<n>`. */
export const eventSubject = (log: string): string => `${SUBJECT_PREFIX}.event.${logTokens(log)}`;

const EVENT_TYPE = /^[A-Za-z]{1,64}$/;

/** The subjects of the events of a log in the event stream, by type: `bailiwick.events.<tenant>.<n>.<type>`. An unknown type is `unreadable`. */
export function streamSubjects(log: string): (type: string) => string {
  const ofLog = `${SUBJECT_PREFIX}.events.${logTokens(log)}`;
  return (type) => `${ofLog}.${EVENT_TYPE.test(type) ? type : 'unreadable'}`;
}

/** Every event of a log in the event stream. */
export const streamOfLog = (log: string): string => `${SUBJECT_PREFIX}.events.${logTokens(log)}.>`;

/** Every event of a tenant in the event stream. */
export const streamOfTenant = (tenant: string): string => `${SUBJECT_PREFIX}.events.${token(tenant, 'tenant')}.>`;

/** The NATS user of the ledger's second connection, which publishes the event stream. */
export const EVENTS_USER = 'events';

/** The durable consumer of a subscriber of the event stream, which is also the name of its NATS user. */
export const consumerName = ({ tenant, name }: { readonly tenant: string; readonly name: string }): string =>
  `subscriber_${token(tenant, 'tenant')}_${token(name, 'subscriber')}`;

/** Health checks of a service: `bailiwick.health.<service>`. */
export const healthSubject = (service: string): string => `${SUBJECT_PREFIX}.health.${token(service, 'service name')}`;

/** Converts `bailiwick.event.default.0` to `default/0`; undefined for any subject without announcements. */
export function logOfEventSubject(subject: string): string | undefined {
  const [prefix, kind, tenant = '', n = '', ...more] = subject.split('.');
  if (prefix !== SUBJECT_PREFIX || kind !== 'event' || more.length > 0) return undefined;
  return TOKEN.test(tenant) && /^(0|[1-9]\d{0,5})$/.test(n) ? `${tenant}/${n}` : undefined;
}
