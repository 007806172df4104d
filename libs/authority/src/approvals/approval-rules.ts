import type { ApprovalScope } from '@bailiwick/contracts/approvals/approval-scope';
import type { ApprovalKind } from '@bailiwick/contracts/events/event';
import type { Effect, Risk } from '@bailiwick/contracts/grants/grant';
import type { ApprovalRule, Approvers } from '@bailiwick/contracts/policy/approval-rule';
import { parseDuration } from '@bailiwick/core/duration';
import { err, ok, type Result } from '@bailiwick/core/result';
import { personOf } from '@bailiwick/core/same-person';
import { matchesVerb, normalizeVerbPattern } from '../matching/verbs/verb';

/** What a person is asked, as far as rules about approvals select by it. */
export interface Question {
  readonly kind: ApprovalKind;
  readonly agentClass: string;
  readonly risk: Risk;
  /** kind `action` */
  readonly verb: string | undefined;
  readonly effects: readonly Effect[];
  /** minor units by currency: of the call, or of the lease as a whole */
  readonly cost: Readonly<Record<string, number>>;
}

/** A person as rules about approvals see them. */
export interface Approver {
  readonly id: string;
  readonly role?: string | undefined;
  readonly groups?: readonly string[] | undefined;
}

/** One rule, with every member filled in. */
export interface CompiledApprovalRule {
  readonly name: string;
  readonly selects: (question: Question) => boolean;
  readonly by: Approvers | undefined;
  readonly needed: number;
  readonly denials: number;
  readonly fourEyes: boolean;
  readonly scopes: readonly ApprovalScope[];
  /** ms; undefined: as without a policy */
  readonly expiresMs: number | undefined;
  readonly coolDownMs: number | undefined;
  readonly breakGlass: Approvers | undefined;
}

/** The rules about approvals of a bundle, in order. */
export class ApprovalRules {
  constructor(private readonly rules: readonly CompiledApprovalRule[]) {}

  /** Returns the first rule that selects a request. */
  of(question: Question): CompiledApprovalRule | undefined {
    return this.rules.find(({ selects }) => selects(question));
  }
}

/** A fault in one rule. */
export interface ApprovalRuleFault {
  /** index of the rule */
  readonly entry: number;
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** index of an earlier rule that it is in conflict with */
  readonly other?: number;
}

/**
 * Compiles the rules of a deployed bundle; undefined if it has none. A rule with a pattern that this release cannot read
 * selects each verb, and lets no person approve (I11).
 */
export const approvalRulesOf = (entries: readonly ApprovalRule[] | undefined): ApprovalRules | undefined =>
  entries === undefined ? undefined : new ApprovalRules(entries.map(compiledRule));

/** Checks the rules of a bundle, and compiles them; returns every fault in them. */
export function compileApprovalRules(entries: readonly ApprovalRule[]): Result<ApprovalRules, ApprovalRuleFault[]> {
  const faults = [...entries.entries()].flatMap(([entry, rule]) => [
    ...faultsIn(rule).map((fault) => ({ entry, ...fault })),
    ...conflictsOf(entries, entry),
  ]);
  return faults.length > 0 ? err(faults) : ok(approvalRulesOf(entries) as ApprovalRules);
}

/** Compiles one rule, which may have faults. */
export function compiledRule(rule: ApprovalRule): CompiledApprovalRule {
  const { needed = 1, denials = 1, fourEyes = false, scopes = ['call'] } = rule;
  const isReadable = rule.verbs?.every((text) => normalizeVerbPattern(text).ok) ?? true;
  return {
    name: rule.name,
    selects: selectorOf(isReadable ? rule : { ...rule, verbs: undefined }),
    by: isReadable ? rule.by : { people: [] },
    needed,
    denials,
    fourEyes,
    scopes,
    expiresMs: rule.expires === undefined ? undefined : parseDuration(rule.expires),
    coolDownMs: rule.coolDown === undefined ? undefined : parseDuration(rule.coolDown),
    breakGlass: isReadable ? rule.breakGlass : undefined,
  };
}

function selectorOf({ kinds, verbs, classes, risk, effects, cost }: ApprovalRule): CompiledApprovalRule['selects'] {
  const patterns = verbs?.flatMap((text) => {
    const normal = normalizeVerbPattern(text);
    return normal.ok ? [normal.value] : [];
  });
  return (question) =>
    (kinds === undefined || kinds.includes(question.kind)) &&
    (patterns === undefined ||
      (question.verb !== undefined && patterns.some((each) => matchesVerb(each, question.verb as string)))) &&
    (classes === undefined || classes.includes(question.agentClass)) &&
    (risk === undefined || risk.includes(question.risk)) &&
    (effects === undefined ||
      (question.kind === 'action' && question.effects.every((each) => effects.includes(each)))) &&
    (cost === undefined || costsAtMost(question.cost, cost));
}

/** Reports whether no amount is more than that of the same currency, which must be named. */
export const costsAtMost = (
  cost: Readonly<Record<string, number>>,
  most: Readonly<Record<string, number | undefined>>,
): boolean => Object.entries(cost).every(([currency, each]) => each <= (most[currency] ?? 0));

/** Reports whether a person is among those that a policy names; each approver if it names none. */
export function isAmong({ id, role, groups = [] }: Approver, by: Approvers | undefined): boolean {
  if (by === undefined) return true;
  const person = personOf(id);
  return (
    (by.people?.some((each) => personOf(each) === person) ?? false) ||
    (by.groups?.some((each) => groups.includes(each)) ?? false) ||
    (role !== undefined && (by.roles?.includes(role) ?? false))
  );
}

type Fault = Pick<ApprovalRuleFault, 'path' | 'message'>;

function faultsIn({ kinds, verbs, effects, scopes, by, needed = 1, denials = 1 }: ApprovalRule): Fault[] {
  const faults: Fault[] = [];
  for (const [i, text] of (verbs ?? []).entries()) {
    const normal = normalizeVerbPattern(text);
    if (!normal.ok) faults.push({ path: ['verbs', i], message: `${JSON.stringify(text)} ${normal.error}` });
  }
  if (kinds !== undefined && !kinds.includes('action'))
    for (const [member, value] of [['verbs', verbs] as const, ['effects', effects] as const])
      if (value !== undefined)
        faults.push({ path: [member], message: `only calls have ${member}, and kinds does not include action` });
  if (scopes !== undefined && !scopes.includes('call'))
    faults.push({ path: ['scopes'], message: 'must include call: each approval may cover the call alone' });
  if (by?.people !== undefined && by.groups === undefined && by.roles === undefined) {
    const people = new Set(by.people.map(personOf)).size;
    for (const [member, value] of [['needed', needed] as const, ['denials', denials] as const])
      if (value > people)
        faults.push({ path: [member], message: `${value} people are needed, and by names ${people}` });
  }
  return faults;
}

/** Finds an earlier rule of the same name, and an earlier one that selects everything. */
function conflictsOf(entries: readonly ApprovalRule[], entry: number): ApprovalRuleFault[] {
  const rule = entries[entry] as ApprovalRule;
  const before = entries.slice(0, entry);
  const twin = before.findIndex(({ name }) => name === rule.name);
  const faults: ApprovalRuleFault[] =
    twin < 0 ? [] : [{ entry, path: ['name'], message: `${rule.name} is also another rule`, other: twin }];
  const all = before.findIndex(selectsAll);
  if (all >= 0)
    faults.push({
      entry,
      path: [],
      message: `${rule.name} is never reached: an earlier rule selects every request`,
      other: all,
    });
  return faults;
}

const selectsAll = ({ kinds, verbs, classes, risk, effects, cost }: ApprovalRule): boolean =>
  [verbs, classes, effects, cost].every((each) => each === undefined) &&
  (kinds === undefined || new Set(kinds).size === 3) &&
  (risk === undefined || new Set(risk).size === 4);
