import { EFFECTS, RISKS, type Effect, type Risk } from '#contracts/grant';
import { matchesVerb } from './verb';

/** What is known of a verb: what it does to the world, how dangerous it is, and the labels its actions carry. */
interface Entry {
  readonly pattern: string;
  readonly effect: Effect;
  readonly risk: Risk;
  readonly labels: readonly string[];
}
const entry = (pattern: string, effect: Effect, risk: Risk, ...labels: string[]): Entry => ({ pattern, effect, risk, labels });

/** The first that matches counts. A verb that none matches counts as a write of medium risk. */
export const CATALOG: readonly Entry[] = [
  entry('secret.read', 'read', 'high', 'read:secret', 'private'),
  entry('secret.*', 'write', 'high'),
  entry('iam.*', 'write', 'high', 'escalation'),
  entry('sudo.*', 'exec', 'high', 'escalation'),
  entry('**.escalate', 'write', 'high', 'escalation'),
  entry('production.deploy', 'exec', 'irreversible'),
  entry('production.*', 'write', 'high'),
  entry('shell.*', 'exec', 'high'),
  entry('process.*', 'exec', 'high'),
  entry('code.run', 'exec', 'high'),
  entry('payment.*', 'external', 'high'),
  entry('money.transfer', 'external', 'high'),
  entry('email.read', 'read', 'low', 'untrusted', 'private'),
  entry('email.search', 'read', 'low', 'untrusted', 'private'),
  entry('email.send', 'external', 'medium'),
  entry('message.read', 'read', 'low', 'untrusted'),
  entry('message.send', 'external', 'medium'),
  entry('web.get', 'read', 'low', 'untrusted'),
  entry('web.fetch', 'read', 'low', 'untrusted'),
  entry('web.search', 'read', 'low', 'untrusted'),
  entry('web.*', 'external', 'medium'),
  entry('http.get', 'read', 'low', 'untrusted'),
  entry('http.*', 'external', 'medium'),
  entry('webhook.*', 'external', 'medium'),
  entry('**.read', 'read', 'low'),
  entry('**.get', 'read', 'low'),
  entry('**.list', 'read', 'low'),
  entry('**.search', 'read', 'low'),
  entry('**.delete', 'write', 'high'),
  entry('**.send', 'external', 'medium'),
  entry('**.publish', 'external', 'medium'),
  entry('**.share', 'external', 'medium'),
];
const UNKNOWN = entry('**', 'write', 'medium');

export const lookup = (verb: string): Entry => CATALOG.find((each) => matchesVerb(each.pattern, verb)) ?? UNKNOWN;

export interface Classified {
  readonly effect: Effect;
  readonly risk: Risk;
  readonly labels: ReadonlySet<string>;
}

/**
 * What an action counts as. For a verb of the catalog a caller can only say that it is stricter (an agent that calls
 * its own sending a read fools nobody); for others its word on the effect counts.
 */
export function classify(asked: {
  verb: string;
  effect: Effect | undefined;
  risk: Risk | undefined;
  labels: readonly string[];
  resource: { type: string; id: string; attributes: Readonly<Record<string, string | number | boolean>> };
}): Classified {
  const known = lookup(asked.verb);
  const effect = asked.effect === undefined ? known.effect : known === UNKNOWN ? asked.effect : stricter(EFFECTS, asked.effect, known.effect);
  const base: Risk = known === UNKNOWN && asked.effect !== undefined ? RISK_OF[asked.effect] : known.risk;
  const risk = asked.risk === undefined ? base : known === UNKNOWN ? asked.risk : stricter(RISKS, asked.risk, base);
  const labels = new Set([...asked.labels, ...known.labels, ...labelsOf(asked.resource, effect)]);
  return { effect, risk, labels };
}

const RISK_OF: Record<Effect, Risk> = { read: 'low', write: 'medium', external: 'medium', exec: 'high' };

function stricter<T extends string>(order: readonly T[], a: T, b: T): T {
  return order.indexOf(a) >= order.indexOf(b) ? a : b;
}

/** File names that hold secrets wherever they stand. */
const SECRET_NAME = /^(\.env(\..+)?|.*\.(pem|key|p12|pfx|keystore)|id_(rsa|dsa|ecdsa|ed25519)|\.?(netrc|npmrc|pgpass|htpasswd)|credentials?(\..+)?|secrets?(\..+)?)$/i;

function labelsOf(resource: { id: string; attributes: Readonly<Record<string, unknown>> }, effect: Effect): string[] {
  const labels: string[] = [];
  const { sensitivity, trust } = resource.attributes;
  const secret = sensitivity === 'secret' || resource.id.split('/').some((segment) => SECRET_NAME.test(segment));
  if (secret) labels.push('private', ...(effect === 'read' ? ['read:secret'] : []));
  if (sensitivity === 'confidential' || sensitivity === 'private' || sensitivity === 'personal') labels.push('private');
  if (trust === 'untrusted' || trust === 'external') labels.push('untrusted');
  if (effect === 'external') labels.push('send:external');
  if (effect === 'exec') labels.push('exec:shell');
  return labels;
}
