import { RISKS, type Effect, type Risk } from '@bailiwick/contracts/grants/grant';
import { stricter } from '@bailiwick/authority/matching/catalog/facts';
import { matchesVerb, normalizeVerb } from '@bailiwick/authority/matching/verbs/verb';
import { factsOf, type VerbFacts } from '@bailiwick/authority/matching/verbs/verb-meaning';
import { wordsOf } from '@bailiwick/authority/matching/verbs/verb-words';

/*
 * What verbs meant before there were policy bundles: a table that was searched in order, joined with the words of the
 * verb. The default bundle is compared with it, so that each difference is one that was meant.
 */

/** The facts about a verb: its effect on the world, its risk, and the labels of its actions. */
interface Entry {
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
const CATALOG: readonly Entry[] = [
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
/** An unknown verb counts as a write of medium risk that may also send or execute something. */
const UNKNOWN: VerbFacts = { effects: ['write'], risk: 'medium', labels: ['may:send', 'may:exec'] };

/** Returns the facts about a verb as it was written. */
export function formerly(spelled: string): { readonly facts: VerbFacts; readonly classified: boolean } {
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
}

function joined(a: VerbFacts, b: VerbFacts | undefined): VerbFacts {
  if (!b) return a;
  return {
    effects: [...new Set([...a.effects, ...b.effects])],
    risk: stricter(RISKS, a.risk, b.risk),
    labels: [...new Set([...a.labels, ...b.labels])],
  };
}
