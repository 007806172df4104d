import { EFFECTS, RISKS, type Effect, type Risk } from '@bailiwick/contracts/grant';
import { remembered } from '@bailiwick/core/memo';
import { isSecretName } from './secret-names';
import { matchesVerb, normalizeVerb } from './verb';
import { ofWords, type Told } from './verb-meaning';
import { wordsOf } from './verb-words';

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
    ...['write', 'set', 'put', 'create', 'rotate', 'delete', 'revoke', 'update', 'change', 'reset', 'store'].map(
      (verb) => entry(`${noun}.${verb}`, 'write', 'high'),
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
  entry('web.get', 'read', 'low', 'untrusted', 'fetch:unnamed'),
  entry('web.fetch', 'read', 'low', 'untrusted', 'fetch:unnamed'),
  entry('web.search', 'read', 'low', 'untrusted', 'may:send'),
  entry('web.*', 'external', 'medium'),
  entry('http.get', 'read', 'low', 'untrusted', 'fetch:unnamed'),
  entry('http.*', 'external', 'medium'),
  entry('webhook.*', 'external', 'medium'),
  // files and repositories
  entry('file.write', 'write', 'medium'),
  entry('repo.commit', 'write', 'medium'),
  entry('repo.branch.create', 'write', 'medium'),
  entry('pull_request.create', 'write', 'medium', 'may:send'),
  // by the last word
  entry('**.read', 'read', 'low'),
  entry('**.get', 'read', 'low'),
  entry('**.list', 'read', 'low'),
  entry('**.search', 'read', 'low'),
  entry('**.delete', 'write', 'high'),
  entry('**.send', 'external', 'medium'),
  entry('**.publish', 'external', 'medium'),
];
/** An action that is to be classified: its verb and resource normalised, the rest as it was stated. */
export interface Unclassified {
  readonly verb: string;
  /** the verb as the caller wrote it, with its capitals */
  readonly spelled?: string | undefined;
  readonly effect: Effect | undefined;
  readonly risk: Risk | undefined;
  readonly labels: readonly string[];
  readonly resource: { readonly type: string; readonly id: string; readonly attributes: Attributes };
  /** an enforcement point states it: only its word classifies a verb that nothing is known of */
  readonly vouched?: boolean | undefined;
  /** the lease or the goal names the place that it reaches */
  readonly named?: boolean | undefined;
}
type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface Classified {
  /** the strictest of `effects` */
  readonly effect: Effect;
  /** each is charged, and must be permitted */
  readonly effects: readonly Effect[];
  readonly risk: Risk;
  readonly labels: ReadonlySet<string>;
}

const RISK_OF: Readonly<Record<Effect, Risk>> = { read: 'low', write: 'medium', external: 'medium', exec: 'high' };

/** A verb that nothing is known of is a write of medium risk, and may send or run something as well. */
const UNKNOWN: Told = { effects: ['write'], risk: 'medium', labels: ['may:send', 'may:exec'] };

/** What is known of a verb as it was written; undefined: nothing is, but that it may be harmless. */
const known = remembered((spelled: string): { readonly told: Told; readonly classified: boolean } => {
  const normal = normalizeVerb(spelled);
  const verb = normal.ok ? normal.value : spelled;
  const found = CATALOG.find((each) => matchesVerb(each.pattern, verb));
  const listed = found && { effects: [found.effect], risk: found.risk, labels: found.labels };
  // an entry for this very verb is exact; what a pattern says of many is joined to what the words say of this one
  if (listed && !found.pattern.includes('*')) return { told: listed, classified: true };
  const { told, doubt } = ofWords(wordsOf(spelled));
  if (listed) return { told: told ? joined(listed, told) : listed, classified: true };
  if (told && told.effects.length > 0) return { told, classified: true };
  return { told: joined({ ...UNKNOWN, labels: doubt ? UNKNOWN.labels : [] }, told), classified: false };
}, 10_000);

function joined(a: Told, b: Told | undefined): Told {
  if (!b) return a;
  return {
    effects: [...new Set([...a.effects, ...b.effects])],
    risk: stricter(RISKS, a.risk, b.risk),
    labels: [...new Set([...a.labels, ...b.labels])],
  };
}

/** A label that makes a judgement milder (drift reads a trusted result for no orders): a run does not give it to itself. */
export const isRelaxing = (label: string): boolean => label === 'trusted';

/**
 * What an action counts as. What is known of its verb holds, and what the caller states is added to it: effects are no
 * order, so each is charged and judged, the stricter risk counts, and labels are only ever added. Of a verb that nothing
 * is known of an enforcement point states the effect; the word of a run itself adds to the assumption.
 */
export function classify({
  verb,
  spelled = verb,
  effect: stated,
  risk,
  labels,
  resource,
  vouched,
  named,
}: Unclassified): Classified {
  const { told, classified } = known(spelled);
  const settled = !classified && vouched === true && stated !== undefined;
  const least: Told = settled ? { effects: [stated], risk: RISK_OF[stated], labels: [] } : told;
  const extra = stated === undefined || least.effects.includes(stated) ? [] : [stated];
  const effects = EFFECTS.filter((each) => least.effects.includes(each) || extra.includes(each));
  const tiers = [least.risk, ...extra.map((each) => RISK_OF[each]), ...(risk === undefined ? [] : [risk])];
  const claims = labels.filter((label) => vouched === true || !isRelaxing(label));
  const all = new Set([...claims, ...least.labels, ...labelsOf(resource, effects, classified)]);
  if (named === true && !labels.includes('fetch:unnamed')) all.delete('fetch:unnamed');
  return { effect: effects[effects.length - 1] as Effect, effects, risk: tiers.reduce(higher), labels: all };
}

const higher = (a: Risk, b: Risk): Risk => stricter(RISKS, a, b);
const stricter = <T extends string>(order: readonly T[], a: T, b: T): T =>
  order.indexOf(a) < order.indexOf(b) ? b : a;

/** Does a decision on this call ask the intent monitor first? `verb` as the caller wrote it. */
export function mayBeHighRisk({ verb, risk, effect }: { verb: string; risk?: unknown; effect?: unknown }): boolean {
  const tiers = [risk, known(verb).told.risk];
  return effect === 'exec' || tiers.some((tier) => tier === 'high' || tier === 'irreversible');
}

/** What the resource and the effects say. Only an action that does nothing but write gives no secret away. */
function labelsOf(
  { type, id, attributes }: Unclassified['resource'],
  effects: readonly Effect[],
  classified: boolean,
): string[] {
  const textOf = (value: unknown): string => (typeof value === 'string' ? value.toLowerCase() : '');
  const own = (name: string): unknown => (Object.hasOwn(attributes, name) ? attributes[name] : undefined);
  const is = (name: string, ...values: string[]): boolean => values.includes(textOf(own(name)));
  const secret = is('sensitivity', 'secret') || isSecretName(id) || isSecretName(type);
  const onlyWrites = classified && effects.every((each) => each === 'write');
  const labels: string[] = [];
  if (secret && !onlyWrites) labels.push('read:secret');
  if (secret || is('sensitivity', 'confidential', 'private', 'personal')) labels.push('private');
  if (is('trust', 'untrusted', 'external') || is('origin', 'untrusted', 'external')) labels.push('untrusted');
  if (effects.includes('external')) labels.push('send:external');
  if (effects.includes('exec')) labels.push('exec:shell');
  return labels;
}
