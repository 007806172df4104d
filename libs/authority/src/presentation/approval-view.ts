import { kept, notShown, objectionsIn } from '../commands/actions/objections';
import type { Alike } from '../approvals/alike';
import type { ShownTerms } from '../approvals/terms';
import { leaves } from './leaves';
import { counted } from './text';
import { describeAll } from '../dimensions/all';
import { describeEntry, keyOfEntry } from '../dimensions/entry';
import { entriesHeld } from '../commands/grants/escalation';
import { describePair } from '../dimensions/denied-pairs';
import type { ApprovalNode, NarrowedNode, RunNode } from '../state/state';
import type { RunTexts } from './views';
import type { AskedBundle } from '@bailiwick/contracts/approvals/asked-bundle';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import type { Limits } from '@bailiwick/contracts/grants/grant';
import { obligationText } from '@bailiwick/contracts/obligations/obligation-text';
import type { ApprovalStatus, ApprovalView } from '@bailiwick/contracts/queries/query';
import type { Reason } from '@bailiwick/contracts/reason';
import { rfc3339 } from '@bailiwick/core/clock';
import { canonicalDigest } from '@bailiwick/core/digest';
import { marked } from '@bailiwick/core/look-alike';
import { quoted, visible } from './quoted';

/** All input of a consent card. */
export interface ApprovalFacts {
  readonly run: RunNode;
  readonly texts: RunTexts;
  /** the run that would have this one as its child, for the first lease of a child */
  readonly parent: RunNode | undefined;
  /** kind action: the step-up, with the exact call */
  readonly stepUp: EventOf<'ActionStepUp'> | undefined;
  /** the redacted preview of its arguments, and how much of them it hides */
  readonly args: unknown;
  readonly hidden: unknown;
  /** the approval request that this one replaced */
  readonly replaced: ApprovalNode | undefined;
  readonly refused: readonly RefusedBefore[];
  readonly asked: Record<string, unknown>;
  readonly decided: Record<string, unknown>;
  readonly tried: readonly Event[];
  /** the current limits of the run, for kind action and escalation */
  readonly has: Limits | undefined;
  /** the last narrowing of the lease of the run */
  readonly narrowed?: NarrowedNode | undefined;
  /** how the requested lease compares with the manifest of its class, if there is something to state */
  readonly manifest?: string | undefined;
  readonly terms?: ShownTerms | undefined;
  readonly alike?: Alike | undefined;
}

/** A refusal in the same task, with the request of that time. */
export interface RefusedBefore {
  readonly approval: ApprovalNode;
  readonly stepUp: EventOf<'ActionStepUp'> | undefined;
  readonly note: unknown;
}

/** Builds a consent card: what the run may and may not do, how risky it is, for how long, and what it tried before. */
export function approvalView(approval: ApprovalNode, status: ApprovalStatus, facts: ApprovalFacts): ApprovalView {
  const { run, texts, stepUp } = facts;
  const limits = approval.limits ?? facts.has;
  const wanted = facts.asked.reason;
  const note = facts.decided.note;
  return {
    id: approval.id,
    kind: approval.kind,
    status,
    runId: run.id,
    treeId: run.treeId,
    parentRunId: facts.parent?.id,
    grantId: approval.grantId,
    actionId: approval.actionId,
    agentClass: run.agent.class,
    risk: approval.risk,
    irreversible: approval.risk === 'irreversible',
    asks: ASKS[approval.kind](approval, facts),
    purpose: texts.purpose,
    requestedBy: texts.requestedBy,
    requestedByStatedBy: texts.requestedByStatedBy,
    may: mayDo(approval, facts, limits),
    mayNot: mayNotDo(approval, limits, facts.manifest),
    action: stepUp ? callOf(approval, stepUp, facts) : undefined,
    refusedBefore: refusalsOf(approval, facts),
    budget: limits ? (describeAll(limits).find((each) => each.dimension === 'budget')?.text ?? '') : '',
    tried: facts.tried.map(describeTried),
    reason: typeof wanted === 'string' ? wanted : approval.kind === 'escalation' ? null : undefined,
    requestedAt: rfc3339(approval.requestedAt),
    expiresAt: rfc3339(approval.expiresAt),
    given: facts.terms?.given,
    needed: facts.terms?.needed,
    approvers: facts.terms?.approvers,
    answers: answersOf(approval),
    scope: approval.scope,
    breakGlass: approval.breakGlass,
    alike: facts.alike,
    decidedBy: approval.by,
    decidedAt: approval.decidedAt === undefined ? undefined : rfc3339(approval.decidedAt),
    note: typeof note === 'string' ? note : undefined,
    position: approval.position,
  };
}

/** Lists the answers, unless one person decided alone. */
function answersOf({ answers = [], status }: ApprovalNode): ApprovalView['answers'] {
  if (answers.length === 0 || (answers.length === 1 && status !== 'pending')) return undefined;
  return answers.map(({ by, verdict, at }) => ({ by, verdict, at: rfc3339(at) }));
}

const ASKS: Record<ApprovalNode['kind'], (approval: ApprovalNode, facts: ApprovalFacts) => string> = {
  grant: (_approval, { run, parent, texts }) =>
    parent
      ? `Let the ${marked(parent.agent.class)} (${parent.id}) have a subagent ${marked(run.agent.class)} for: ${describeTask(texts)}`
      : `Let a ${marked(run.agent.class)} work on: ${texts.purpose === null ? 'a purpose that was erased' : quoted(texts.purpose)}${regranted(run)}`,
  action: (_approval, { run, stepUp, args, hidden }) =>
    stepUp
      ? `Let the ${marked(run.agent.class)} do ${stepUp.data.verb}${withTool(stepUp.data.tool)} on ${thing(stepUp.data.resource)}, once, with ${describeArguments(stepUp.data.argsDigest, args, hidden)}`
      : `Let the ${marked(run.agent.class)} do one action`,
  escalation: ({ bundle }, { run, narrowed }) =>
    `Give the ${marked(run.agent.class)} ${bundle ? bundleAsked(bundle) : 'more than it has'}${narrowed ? `; its lease was narrowed by ${narrowed.by} at ${rfc3339(narrowed.at)}` : ''}`,
};

/** An approver must know that this lease was stopped before. */
const regranted = ({ regrants }: RunNode): string =>
  regrants ? `. It would get again what was left of ${regrants.grantId}, which ${regrants.revocationId} revoked` : '';

/** The words of a bundle are the policy's, not the agent's. */
const bundleAsked = ({ name, words, lasts }: AskedBundle): string =>
  `the bundle ${name}${lasts === undefined ? '' : ` for ${lasts}`}: ${marked(visible(words))}`;

const describeTask = ({ task, purpose }: RunTexts): string => {
  const text = task ?? purpose;
  return text === null ? 'a task that was erased' : quoted(text);
};

/** Quotes a name from outside; its unusual characters are listed after the quotation, where they cannot be forged. */
const named = (text: string): string => `${quoted(text)}${marked(text).slice(text.length)}`;
const thing = ({ type, id }: { type: string; id: string }): string => named(`${type} ${id}`);
const withTool = (tool: string | undefined): string => (tool === undefined ? '' : ` with the tool ${named(tool)}`);

/** States whether the card shows all arguments, so that approvers do not assume it. */
function describeArguments(digest: string | undefined, args: unknown, hidden: unknown): string {
  if (digest === NO_ARGUMENTS) return 'no arguments';
  if (digest === undefined) return 'arguments that are NOT STATED: it could be any';
  if (args === undefined) return 'arguments that are not shown here: only their digest is known';
  if (canonicalDigest(args) === digest) return 'exactly these arguments';
  const parts = hiddenOf(hidden);
  if (!parts) return 'exactly the arguments it gave, of which NOT ALL is shown here';
  const { values, of, characters } = parts;
  const how = `${values} of ${of} values ${values === 1 ? 'is' : 'are'} masked or cut, ${counted(characters, 'character')}`;
  return `exactly the arguments it gave, of which NOT ALL is shown: ${how}`;
}
const NO_ARGUMENTS = canonicalDigest({});

/** Reads the counts that the edge made; payloads are untrusted, so their form is checked. */
function hiddenOf(value: unknown): { values: number; of: number; characters: number } | undefined {
  const { values, of, characters } = (value ?? {}) as Record<string, unknown>;
  return typeof values === 'number' && typeof of === 'number' && typeof characters === 'number'
    ? { values, of, characters }
    : undefined;
}

function mayDo(approval: ApprovalNode, facts: ApprovalFacts, limits: Limits | undefined): string[] {
  if (approval.kind === 'action') {
    const must = (facts.stepUp?.data.obligations ?? []).map(obligationText);
    return [mayBy(approval), ...must.map((text) => marked(visible(`with a duty to ${text}`)))];
  }
  if (!limits) return [];
  const added = addedText(approval, facts.has, limits);
  const before = new Map(
    facts.has && approval.kind === 'escalation'
      ? describeAll(facts.has).map((each) => [each.dimension, each.text])
      : [],
  );
  const rest = describeAll(limits)
    .filter(({ dimension, text }) => dimension !== 'deny' && before.get(dimension) !== text)
    .map(({ dimension, text }) => {
      const old = before.get(dimension);
      return marked(visible(`${dimension}: ${text}${old === undefined ? '' : ` (now: ${old})`}`));
    });
  return [...added, ...rest];
}

/** Lists the permissions of a raised lease that the run does not hold now. */
function addedText({ kind, bundle }: ApprovalNode, has: Limits | undefined, { permissions = [] }: Limits): string[] {
  if (kind !== 'escalation' || !has) return [];
  const held = new Set(entriesHeld(has).map(keyOfEntry));
  const from = bundle?.lasts === undefined ? '' : `, for ${bundle.lasts} from the approval`;
  return permissions
    .filter((each) => !held.has(keyOfEntry(each)))
    .map(({ until, ...each }) => {
      const end = bundle?.lasts === undefined && until !== undefined ? ` until ${until}` : from;
      return marked(visible(`in addition to what it holds: ${describeEntry(each)}${end}`));
    });
}

/** Describes what the approval of a call covers. */
function mayBy({ scope, resource, verb, usableUntil }: ApprovalNode): string {
  if (scope === undefined || !resource) return 'this one call, once, within an hour of the answer';
  const what = scope === 'target' ? thing(resource) : `anything of type ${named(resource.type)}`;
  const until = usableUntil === undefined ? '' : `, until ${rfc3339(usableUntil)}`;
  return `${verb ?? 'the verb'} on ${what}, with any arguments and at most the cost of this call each${until}`;
}

const mayNotBy = ({ scope }: ApprovalNode): string[] =>
  scope === undefined
    ? ['the same call again, or any call that differs in verb, resource, arguments, cost or run']
    : ['a call to which there is an objection that this card does not show', 'another verb, effect or run'];

function mayNotDo(approval: ApprovalNode, limits: Limits | undefined, manifest: string | undefined): string[] {
  if (approval.kind === 'action') return mayNotBy(approval);
  const denied = limits?.actions.deny.map((pattern) => `never ${named(pattern)}`) ?? [];
  const pairs = limits?.deny?.map((pair) => marked(visible(`never ${describePair(pair)}`))) ?? [];
  return [
    ...denied,
    ...pairs,
    ...(manifest === undefined ? [] : [visible(manifest)]),
    'anything that is not named above',
  ];
}

function callOf(
  approval: ApprovalNode,
  { data }: EventOf<'ActionStepUp'>,
  { args, hidden, replaced }: ApprovalFacts,
): NonNullable<ApprovalView['action']> {
  const parts = hiddenOf(hidden);
  return {
    verb: data.verb,
    tool: data.tool,
    resource: data.resource,
    argsDigest: data.argsDigest,
    args,
    ...(parts ? { hidden: parts } : {}),
    cost: data.charge.cost,
    ...(data.charge.units ? { units: data.charge.units } : {}),
    reasons: leaves(data.reasons).map((reason) => visible(reason.message)),
    codes: codesOf(data.reasons),
    ...(approval.objections ? { objections: objectionsOf(approval.objections, data.reasons, replaced) } : {}),
  };
}

const codesOf = (reasons: readonly Reason[]): string[] => [
  ...new Set(leaves(reasons).flatMap(({ outcome, code, rule }) => (outcome === 'step-up' ? [code ?? rule] : []))),
];

/** Lists each objection that the approval covers, as text if its reason is among those that are kept. */
function objectionsOf(
  keys: readonly string[],
  reasons: readonly Reason[],
  replaced: ApprovalNode | undefined,
): { says: string; isNew: boolean }[] {
  const words = new Map<string, string>();
  for (const reason of leavesWithGrant(reasons)) {
    const says = visible(reason.grantId === undefined ? reason.message : `${reason.message} (${reason.grantId})`);
    for (const key of objectionsIn([reason])) for (const each of [key, ...kept([key])]) words.set(each, says);
  }
  return keys.map((key) => ({
    says: words.get(key) ?? visible(`as asked about before: ${key}`),
    isNew: replaced !== undefined && notShown(replaced.objections, [key]).length > 0,
  }));
}

const leavesWithGrant = (reasons: readonly Reason[], grantId?: string): Reason[] =>
  reasons.flatMap((reason) =>
    reason.reasons && reason.reasons.length > 0
      ? leavesWithGrant(reason.reasons, reason.grantId ?? grantId)
      : [{ ...reason, grantId: reason.grantId ?? grantId }],
  );

/** Selects the refusals in the task that are related to the current request. */
function refusalsOf(asked: ApprovalNode, { stepUp, refused }: ApprovalFacts): ApprovalView['refusedBefore'] {
  const found = refused.flatMap(({ approval, stepUp: then, note }) => {
    const what = alike(asked, stepUp, approval, then);
    if (what === undefined) return [];
    const at = rfc3339(approval.decidedAt ?? approval.requestedAt);
    const words = typeof note === 'string' ? quoted(note) : null;
    return [{ approvalId: approval.id, what, at, by: approval.by ?? 'a person', note: words }];
  });
  return found.length > 0 ? found : undefined;
}

function alike(
  asked: ApprovalNode,
  now: ApprovalFacts['stepUp'],
  refused: ApprovalNode,
  then: ApprovalFacts['stepUp'],
): string | undefined {
  if (asked.asks !== undefined && asked.asks === refused.asks) return 'exactly this';
  if (asked.kind !== 'action' || !now || !then)
    return asked.kind === refused.kind ? `another ${asked.kind}` : undefined;
  const call = `${then.data.verb} on ${thing(then.data.resource)}`;
  if (then.data.verb === now.data.verb) return `the same kind of call: ${call}`;
  const [a, b] = [then.data.resource, now.data.resource];
  return a.type === b.type && a.id === b.id ? `another call on the same thing: ${call}` : undefined;
}

/** Describes an earlier attempt. The reason is quoted, since it contains names that the agent chose. */
function describeTried(event: Event): string {
  if (event.type === 'DelegationRefused')
    return `tried to delegate to ${marked(event.data.agentClass)}: ${quoted(event.data.detail)}`;
  if (event.type !== 'ActionDenied' && event.type !== 'ActionStepUp') return event.type;
  const why = leaves(event.data.reasons)
    .filter((reason) => reason.outcome !== 'permit')
    .map((reason) => reason.message);
  const decision = event.type === 'ActionDenied' ? 'denied' : 'a person was asked';
  return `${event.data.verb} on ${thing(event.data.resource)}: ${decision}: ${quoted(why.join('; '))}`;
}
