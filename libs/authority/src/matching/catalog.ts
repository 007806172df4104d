import type { Attribute } from '@bailiwick/contracts/actions/action';
import { EFFECTS, RISKS, type Effect, type Risk } from '@bailiwick/contracts/grants/grant';
import { remembered } from '@bailiwick/core/memo';
import { isSecretName } from './secret-names';
import { matchesVerb, normalizeVerb } from './verbs/verb';
import { factsOf, type VerbFacts } from './verbs/verb-meaning';
import { wordsOf } from './verbs/verb-words';

/** The facts about a verb: its effect on the world, its risk, and the labels of its actions. */
export interface Entry {
  /** a normalized verb pattern */
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

/** The first match counts: exact patterns precede general ones. */
export const CATALOG: readonly Entry[] = [
  // verbs that raise the agent's own authority
  entry('iam.*', 'write', 'high', 'escalation'),
  entry('sudo.*', 'exec', 'high', 'escalation'),
  entry('**.escalate', 'write', 'high', 'escalation'),
  // secrets: verbs known to write them disclose none; every other verb on them may
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
  // messages: incoming ones were written by others
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
  // by the last segment
  entry('**.read', 'read', 'low'),
  entry('**.get', 'read', 'low'),
  entry('**.list', 'read', 'low'),
  entry('**.search', 'read', 'low'),
  entry('**.delete', 'write', 'high'),
  entry('**.send', 'external', 'medium'),
  entry('**.publish', 'external', 'medium'),
];
/** An action to classify: its verb and resource normalized, the rest as it was stated. */
export interface Unclassified {
  readonly verb: string;
  /** the verb as the caller wrote it, with its capitals */
  readonly spelled?: string | undefined;
  readonly effect: Effect | undefined;
  readonly risk: Risk | undefined;
  readonly labels: readonly string[];
  readonly resource: { readonly type: string; readonly id: string; readonly attributes: Attributes };
  /** an enforcement point states it: only then does the stated effect classify an unknown verb */
  readonly vouched?: boolean | undefined;
  /** the lease or the goal names the place that the action reaches */
  readonly named?: boolean | undefined;
}
type Attributes = Readonly<Record<string, Attribute>>;

export interface Classified {
  /** the strictest of `effects` */
  readonly effect: Effect;
  /** each is charged and must be permitted */
  readonly effects: readonly Effect[];
  readonly risk: Risk;
  readonly labels: ReadonlySet<string>;
}

const RISK_OF: Readonly<Record<Effect, Risk>> = { read: 'low', write: 'medium', external: 'medium', exec: 'high' };

/** An unknown verb counts as a write of medium risk that may also send or execute something. */
const UNKNOWN: VerbFacts = { effects: ['write'], risk: 'medium', labels: ['may:send', 'may:exec'] };

/** Returns the facts about a verb as it was written; an unknown verb may turn out to be harmless. */
const known = remembered((spelled: string): { readonly facts: VerbFacts; readonly classified: boolean } => {
  const normal = normalizeVerb(spelled);
  const verb = normal.ok ? normal.value : spelled;
  const found = CATALOG.find((each) => matchesVerb(each.pattern, verb));
  const listed = found && { effects: [found.effect], risk: found.risk, labels: found.labels };
  // an exact entry is complete; the facts of a pattern are joined with those from the words of this verb
  if (listed && !found.pattern.includes('*')) return { facts: listed, classified: true };
  const { facts, doubt } = factsOf(wordsOf(spelled));
  if (listed) return { facts: facts ? joined(listed, facts) : listed, classified: true };
  if (facts && facts.effects.length > 0) return { facts, classified: true };
  return { facts: joined({ ...UNKNOWN, labels: doubt ? UNKNOWN.labels : [] }, facts), classified: false };
}, 10_000);

function joined(a: VerbFacts, b: VerbFacts | undefined): VerbFacts {
  if (!b) return a;
  return {
    effects: [...new Set([...a.effects, ...b.effects])],
    risk: stricter(RISKS, a.risk, b.risk),
    labels: [...new Set([...a.labels, ...b.labels])],
  };
}

/** Reports whether a label makes a judgment milder, as `trusted` does for drift: a run cannot set it for itself. */
export const isRelaxing = (label: string): boolean => label === 'trusted';

/**
 * Classifies an action. The facts about its verb hold, and the caller's statements are added: effects have no order, so
 * each is charged and judged; the stricter risk counts; labels are only ever added. For an unknown verb an enforcement
 * point states the effect; a statement of the run itself is added to the assumption.
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
  const { facts, classified } = known(spelled);
  const settled = !classified && vouched === true && stated !== undefined;
  const least: VerbFacts = settled ? { effects: [stated], risk: RISK_OF[stated], labels: [] } : facts;
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

/** Reports whether an action of this risk needs a drift score. I11: an unknown risk does. */
export const isHighRisk = (risk: unknown): boolean => risk !== 'low' && risk !== 'medium';

/** Reports whether a decision on this call asks the intent monitor first. `verb` is as the caller wrote it. */
export function mayBeHighRisk({ verb, risk, effect }: { verb: string; risk?: unknown; effect?: unknown }): boolean {
  const stated = EFFECTS.find((each) => each === effect);
  return (
    isHighRisk(known(verb).facts.risk) ||
    (risk !== undefined && isHighRisk(risk)) ||
    (stated !== undefined && isHighRisk(RISK_OF[stated]))
  );
}

/**
 * Returns the labels of the resource and the effects. Only an action that does nothing but write discloses no secret.
 */
function labelsOf(
  { type, id, attributes }: Unclassified['resource'],
  effects: readonly Effect[],
  classified: boolean,
): string[] {
  const textOf = (value: unknown): string => (typeof value === 'string' ? value.toLowerCase() : '');
  const own = (name: string): unknown => (Object.hasOwn(attributes, name) ? attributes[name] : undefined);
  // of a list, any element counts
  const is = (name: string, ...values: string[]): boolean =>
    [own(name)].flat().some((each) => values.includes(textOf(each)));
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
