import { EFFECTS, RISKS, type Effect, type Risk } from '#contracts/grant';
import { remembered } from '#kernel/memo';
import { matchesVerb } from './verb';

/** What is known of a verb: what it does to the world, how dangerous it is, and the labels its actions carry. */
export interface Entry {
  /** a normalised verb pattern */
  readonly pattern: string;
  readonly effect: Effect;
  readonly risk: Risk;
  readonly labels: readonly string[];
}
const entry = (pattern: string, effect: Effect, risk: Risk, ...labels: string[]): Entry => ({
  pattern,
  effect,
  risk,
  labels,
});

const SECRET_NOUNS = ['secret', 'secrets', 'vault', 'credential', 'credentials', 'password', 'passwords'];

/** The first that matches counts: the exact before the general. */
export const CATALOG: readonly Entry[] = [
  // what raises the agent's own power, whatever it is called
  entry('iam.*', 'write', 'high', 'escalation'),
  entry('sudo.*', 'exec', 'high', 'escalation'),
  entry('**.escalate', 'write', 'high', 'escalation'),
  // secrets: what is known to write them gives none away; every other verb on them may
  ...SECRET_NOUNS.flatMap((noun) => [
    entry(`${noun}.list`, 'read', 'medium', 'private'),
    ...['write', 'set', 'put', 'create', 'rotate', 'delete', 'revoke'].map((verb) =>
      entry(`${noun}.${verb}`, 'write', 'high'),
    ),
    ...['read', 'get', 'fetch'].map((verb) => entry(`${noun}.${verb}`, 'read', 'high', 'read:secret', 'private')),
    entry(`${noun}.*`, 'write', 'high', 'read:secret', 'private'),
  ]),
  // production
  entry('production.deploy', 'exec', 'irreversible'),
  entry('production.read', 'read', 'medium'),
  entry('production.*', 'write', 'high'),
  // running things
  entry('shell.*', 'exec', 'high'),
  entry('process.*', 'exec', 'high'),
  entry('code.run', 'exec', 'high'),
  // money
  entry('payment.read', 'read', 'low', 'private'),
  entry('payment.list', 'read', 'low', 'private'),
  entry('payment.*', 'external', 'high'),
  entry('money.transfer', 'external', 'high'),
  // messages: what comes in was written by others
  entry('email.read', 'read', 'low', 'untrusted', 'private'),
  entry('email.search', 'read', 'low', 'untrusted', 'private'),
  entry('message.read', 'read', 'low', 'untrusted'),
  entry('email.send', 'external', 'medium'),
  entry('message.send', 'external', 'medium'),
  // the web
  entry('web.get', 'read', 'low', 'untrusted'),
  entry('web.fetch', 'read', 'low', 'untrusted'),
  entry('web.search', 'read', 'low', 'untrusted'),
  entry('web.*', 'external', 'medium'),
  entry('http.get', 'read', 'low', 'untrusted'),
  entry('http.*', 'external', 'medium'),
  entry('webhook.*', 'external', 'medium'),
  // files and repositories
  entry('file.write', 'write', 'medium'),
  entry('repo.commit', 'write', 'medium'),
  entry('repo.branch.create', 'write', 'medium'),
  entry('pull_request.create', 'write', 'medium'),
  // by the last word
  entry('**.read', 'read', 'low'),
  entry('**.get', 'read', 'low'),
  entry('**.list', 'read', 'low'),
  entry('**.search', 'read', 'low'),
  entry('**.delete', 'write', 'high'),
  entry('**.send', 'external', 'medium'),
  entry('**.publish', 'external', 'medium'),
  entry('**.share', 'external', 'medium'),
];
/** A verb that nothing is known of. */
const UNKNOWN = entry('**', 'write', 'medium');

/** The catalog's entry for a normalised verb; a verb of none counts as a write of medium risk. */
export const lookup: (verb: string) => Entry = remembered(
  (verb) => CATALOG.find((each) => matchesVerb(each.pattern, verb)) ?? UNKNOWN,
  10_000,
);

/** An action that is to be classified: its verb and resource normalised, the rest as it was told. */
export interface Unclassified {
  readonly verb: string;
  readonly effect: Effect | undefined;
  readonly risk: Risk | undefined;
  readonly labels: readonly string[];
  readonly resource: { readonly type: string; readonly id: string; readonly attributes: Attributes };
}
type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface Classified {
  readonly effect: Effect;
  readonly risk: Risk;
  readonly labels: ReadonlySet<string>;
}

/**
 * What an action counts as. A caller can only say that it is stricter than is known (an agent that calls its own
 * sending a read fools nobody). Only of a verb that nothing is known of does its word on the effect count, and then the
 * risk is at least what goes with that effect. Labels are only ever added.
 */
export function classify({ verb, effect: told, risk: tier, labels, resource }: Unclassified): Classified {
  const known = lookup(verb);
  const effect = known === UNKNOWN ? (told ?? known.effect) : stricter(EFFECTS, told, known.effect);
  const least = known === UNKNOWN ? RISK_OF[effect] : known.risk;
  const risk = stricter(RISKS, tier, known.effect === effect ? least : stricter(RISKS, least, RISK_OF[effect]));
  return { effect, risk, labels: new Set([...labels, ...known.labels, ...labelsOf(resource, known, effect)]) };
}

const RISK_OF: Readonly<Record<Effect, Risk>> = { read: 'low', write: 'medium', external: 'medium', exec: 'high' };

function stricter<T extends string>(order: readonly T[], told: T | undefined, known: T): T {
  return told === undefined || order.indexOf(told) < order.indexOf(known) ? known : told;
}

/** Files and folders that hold secrets wherever they stand. */
const SECRET_NAME = new RegExp(
  [
    String.raw`\.env(\..+)?`,
    String.raw`.+\.(pem|key|p12|pfx|jks|keystore|kdbx)`,
    String.raw`id_(rsa|dsa|ecdsa|ed25519)`,
    String.raw`\.(ssh|gnupg|netrc|npmrc|pypirc|pgpass|htpasswd|git-credentials)`,
    String.raw`(credentials?|secrets?)([._-].*)?`,
    String.raw`.*(password|passwd|passphrase)s?([._-].*)?`,
  ]
    .map((name) => `^${name}$`)
    .join('|'),
  'i',
);

/**
 * What the resource and the effects tell, both the known effect and the one it counts as: whoever calls a read a write,
 * or running a command a sending, must not lose the label by it. Only a verb that is known to write does not read.
 */
function labelsOf({ id, attributes }: { id: string; attributes: Attributes }, known: Entry, effect: Effect): string[] {
  const textOf = (value: unknown): string => (typeof value === 'string' ? value.toLowerCase() : '');
  const own = (name: string): unknown => (Object.hasOwn(attributes, name) ? attributes[name] : undefined);
  const is = (name: string, ...values: string[]): boolean => values.includes(textOf(own(name)));
  const secret = is('sensitivity', 'secret') || id.split('/').some((segment) => SECRET_NAME.test(segment));
  const writes = known !== UNKNOWN && known.effect === 'write';
  const labels: string[] = [];
  if (secret && !writes) labels.push('read:secret');
  if (secret || is('sensitivity', 'confidential', 'private', 'personal')) labels.push('private');
  if (is('trust', 'untrusted', 'external') || is('origin', 'untrusted', 'external')) labels.push('untrusted');
  if (effect === 'external' || known.effect === 'external') labels.push('send:external');
  if (effect === 'exec' || known.effect === 'exec') labels.push('exec:shell');
  return labels;
}
