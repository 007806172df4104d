import type {
  ConditionCall,
  ConditionObjection,
  Conditions,
  JudgeConditions,
} from '@bailiwick/authority/conditions/port';
import { remembered } from '@bailiwick/core/memo';
import { keyOf, placesOf, type Places } from './answer-key';
import { cedar } from './library';
import { readPolicies } from './read-policies';
import { leavesOut, Reads, type PolicyJson } from './reads';
import { cedarRequest, nounsOf, type CedarRequest } from './request';

/**
 * Evaluates the conditions of a bundle by the Cedar library. A policy that is satisfied forbids; one that cannot be
 * decided, such as for a missing attribute, forbids as well (I11).
 */
export const judgeConditions: JudgeConditions = (conditions, call) => {
  try {
    const compiled = compile(conditions);
    const about = compiled.about(call.facts.verb);
    if (about === null) return NONE;
    const request = cedarRequest(call, about.reads);
    const key = keyOf(request, about.places);
    const known = compiled.answers.get(key);
    if (known) return known;
    const objections = evaluate(compiled, request);
    if (compiled.answers.size >= ANSWERS) compiled.answers.clear();
    compiled.answers.set(key, objections);
    return objections;
  } catch (error) {
    return [{ id: undefined, fault: (error as Error).message }];
  }
};

/**
 * Does the same plainly, for tests: every policy is evaluated, by all of the call, and nothing is remembered.
 * @throws Error if the texts are not policies
 */
export function judgePlainly(conditions: Conditions, call: ConditionCall): ConditionObjection[] {
  return evaluate(compile(conditions), cedarRequest(call, EVERYTHING));
}

const EVERYTHING = new Reads([]).withAll();
const NONE: readonly ConditionObjection[] = [];

/** The answers that are kept for one bundle: the same request has the same answer. */
const ANSWERS = 10_000;

type Call = Parameters<ReturnType<typeof cedar>['statefulIsAuthorized']>[0];

function evaluate({ name, says }: Compiled, request: CedarRequest): ConditionObjection[] {
  const answer = cedar().statefulIsAuthorized({ ...(request as unknown as Call), preparsedPolicySetId: name });
  if (answer.type === 'failure') return [{ id: undefined, fault: textOf(answer.errors) }];
  const { decision, diagnostics } = answer.response;
  const forbidding = decision === 'allow' ? [] : diagnostics.reason;
  const objections = [
    ...forbidding.map((id): ConditionObjection => ({ id, says: says.get(id) })),
    ...diagnostics.errors.map(({ policyId, error }): ConditionObjection => ({ id: policyId, fault: textOf([error]) })),
  ].sort(byId);
  if (decision === 'allow' || objections.length > 0) return objections;
  return [{ id: undefined, fault: 'they deny without a reason' }];
}

const byId = (a: ConditionObjection, b: ConditionObjection): number =>
  (a.id ?? '') < (b.id ?? '') ? -1 : Number(a.id !== b.id);
const textOf = (errors: readonly { readonly message: string }[]): string =>
  errors.map(({ message }) => message).join('; ');

/** The conditions as Cedar keeps them, under a name. */
interface Compiled {
  readonly name: string;
  /** Returns what the policies read of a call; null if the scope of each leaves it out. */
  about(verb: string): About | null;
  readonly says: ReadonlyMap<string, string | undefined>;
  readonly answers: Map<string, readonly ConditionObjection[]>;
}

/** What policies read of the calls of one verb, and the values that they compare with constants alone. */
interface About {
  readonly reads: Reads;
  readonly places: readonly Places[];
}

/** Without it Cedar denies everything. The id of a condition never has a space. */
const PERMIT_ALL = { ' all': 'permit(principal, action, resource);' };

/** Sets of policies that Cedar keeps parsed at a time; another one takes the place of the oldest. */
const KEPT = 64;
const slots: (WeakRef<Conditions> | undefined)[] = [];
const bySource = new WeakMap<Conditions, Compiled>();
let next = 0;

/** @throws Error if the texts are not policies, which a check of the bundle excludes */
function compile(conditions: Conditions): Compiled {
  const known = bySource.get(conditions);
  if (known) return known;
  const read = conditions.texts.map(readPolicies);
  const [fault] = read.flatMap(({ faults }) => faults);
  if (fault) throw new Error(`a policy ${fault.message}`);
  const policies = read.flatMap((each) => each.policies);
  if (new Set(policies.map(({ id }) => id)).size < policies.length) throw new Error('two policies have one @id');
  const slot = next % KEPT;
  const evicted = slots[slot]?.deref();
  if (evicted) bySource.delete(evicted);
  slots[slot] = undefined;
  const name = `conditions-${slot}`;
  const parsed = cedar().preparsePolicySet(name, {
    staticPolicies: { ...PERMIT_ALL, ...Object.fromEntries(policies.map(({ id, text }) => [id, text])) },
  });
  if (parsed.type === 'failure') throw new Error(textOf(parsed.errors));
  const compiled = {
    name,
    about: aboutByVerb(policies.map(({ json }) => json)),
    says: new Map(policies.map(({ id, says }) => [id, says])),
    answers: new Map<string, readonly ConditionObjection[]>(),
  };
  next += 1;
  slots[slot] = new WeakRef(conditions);
  bySource.set(conditions, compiled);
  return compiled;
}

/** The verbs whose reads are kept for one bundle. */
const VERBS = 1_000;

function aboutByVerb(policies: readonly PolicyJson[]): (verb: string) => About | null {
  return remembered((verb) => {
    const names = [verb, ...nounsOf(verb)];
    const about = policies.filter((each) => !leavesOut(each, names));
    return about.length === 0 ? null : { reads: new Reads(about), places: placesOf(about) };
  }, VERBS);
}
