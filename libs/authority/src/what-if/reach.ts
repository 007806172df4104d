import type { DecidedAction } from '@bailiwick/contracts/events/event';
import type { Limits } from '@bailiwick/contracts/grants/grant';
import type { Loss, PolicyReach } from '@bailiwick/contracts/policy/policy-diff';
import type { DecisionOutcome } from '@bailiwick/contracts/reason';
import { LIMITS } from '@bailiwick/core/limits';
import { actions } from '../dimensions/actions';
import { budget } from '../dimensions/budget';
import type { ActionFacts, Verdict } from '../dimensions/dimension';
import { risk } from '../dimensions/risk';
import { compareTerms } from '../approvals/compare-terms';
import type { Question } from '../approvals/approval-rules';
import { termsUnder } from '../approvals/terms';
import type { Agents, Manifest } from '../manifests/agents';
import { widerThanMost } from '../manifests/most';
import type { CompiledBundle } from '../state/policies';
import type { Catalog } from '../matching/catalog/compile';
import type { Facts } from '../matching/catalog/facts';
import { usageFor } from '../state/scopes';
import { normalizeVerb } from '../matching/verbs/verb';
import { sameFacts } from './reclassify';

/** A verb, or a verb by one tool, that counts as something else. */
export interface ChangedVerb {
  readonly verb: string;
  readonly tool?: string | undefined;
  readonly before: Facts;
  readonly after: Facts;
}

/**
 * Returns what counts as something else in another catalog: of the verbs and tools that either of them names without a
 * wildcard, and of those given, at most `LIMITS.policy.diffVerbs`.
 * @param used pairs of a verb and a tool, such as those of recorded calls
 */
export function changedVerbs(
  before: Catalog,
  after: Catalog,
  used: Iterable<readonly [verb: string, tool: string | undefined]>,
): ChangedVerb[] {
  const seen = new Set<string>();
  const changed: ChangedVerb[] = [];
  for (const [verb, tool] of pairs(before, after, used)) {
    const key = JSON.stringify([verb, tool ?? null]);
    if (seen.has(key)) continue;
    seen.add(key);
    const [was, is] = [before.lookup(verb, tool).facts, after.lookup(verb, tool).facts];
    if (!sameFacts(was, is)) changed.push({ verb, tool, before: was, after: is });
    if (changed.length === LIMITS.policy.diffVerbs) break;
  }
  return changed;
}

function* pairs(
  before: Catalog,
  after: Catalog,
  used: Iterable<readonly [verb: string, tool: string | undefined]>,
): Generator<readonly [string, string | undefined]> {
  yield* used;
  for (const { entries } of [before, after])
    for (const { match = [], tools = [], verb } of entries) {
      for (const text of match) {
        const normal = normalizeVerb(text);
        if (normal.ok) yield [normal.value, undefined];
      }
      for (const tool of tools) if (!tool.includes('*') && verb !== undefined) yield [verb, tool];
    }
}

/** The members of a bundle, other than its catalog, that live leases and pending requests depend on. */
export type Ruled = Partial<Pick<CompiledBundle, 'agents' | 'approvals'>>;

/** A live lease, as the read models list it. */
export interface LiveGrant {
  readonly grantId: string;
  readonly runId: string;
  readonly treeId: string;
  readonly agentClass: string;
  readonly limits: Limits;
  /** ms */
  readonly issuedAt: number;
}

/** A pending request, as the log has it. */
export interface PendingRequest {
  readonly approvalId: string;
  readonly runId: string;
  readonly question: Question;
  /** kind `action`: the recorded call, and as the other catalog classifies it */
  readonly call?: readonly [before: DecidedAction, after: DecidedAction] | undefined;
}

/** Counts the live leases and the pending requests that a change of the catalog affects, in bounded memory. */
export class Reach {
  private checkedGrants = 0;
  private checkedApprovals = 0;
  private readonly byClass = new Map<string, number>();
  private readonly grants: PolicyReach['grants']['items'] = [];
  private lost = 0;
  private readonly approvals: PolicyReach['approvals']['items'] = [];
  private misfits = 0;
  /** the losses of leases with the same limits, as far as they are compared */
  private readonly known = new Map<string, readonly Loss[]>();

  constructor(
    private readonly changed: readonly ChangedVerb[],
    private readonly before: Ruled = {},
    private readonly after: Ruled = {},
  ) {}

  grant({ grantId, runId, treeId, agentClass, limits, issuedAt }: LiveGrant): void {
    this.checkedGrants += 1;
    const losses = this.lossesOf(limits);
    const narrower = narrowerUnder(this.before.agents, this.after.agents, agentClass, limits, issuedAt);
    if (losses.length === 0 && narrower.length === 0) return;
    this.lost += 1;
    const name = this.byClass.has(agentClass) || this.byClass.size < CLASSES ? agentClass : OTHERS;
    this.byClass.set(name, (this.byClass.get(name) ?? 0) + 1);
    if (this.grants.length < LIMITS.policy.diffItems)
      this.grants.push({
        ...{ grantId, runId, treeId, agentClass },
        losses: losses.slice(0, LOSSES),
        narrower: narrower.slice(0, LOSSES),
      });
  }

  request({ approvalId, runId, question, call }: PendingRequest): void {
    this.checkedApprovals += 1;
    const [was, is] = [this.before, this.after].map(({ approvals }) => termsUnder(approvals, question));
    const why = [...(call ? otherEffects(...call) : []), ...compareTerms(was, is).map(({ says }) => says)];
    if (why.length === 0) return;
    this.misfits += 1;
    const { verb } = question;
    if (this.approvals.length < LIMITS.policy.diffItems)
      this.approvals.push({ approvalId, runId, ...(verb === undefined ? {} : { verb }), why: why.join('; ') });
  }

  summary(truncated: boolean): PolicyReach {
    return {
      verbs: this.changed.length,
      grants: {
        checked: this.checkedGrants,
        count: this.lost,
        byClass: Object.fromEntries([...this.byClass].sort(([, a], [, b]) => b - a)),
        items: this.grants,
      },
      approvals: { checked: this.checkedApprovals, count: this.misfits, items: this.approvals },
      truncated,
    };
  }

  private lossesOf(limits: Limits): readonly Loss[] {
    const { calls, reads, writes, external, perVerb } = limits.budget;
    const key = JSON.stringify([limits.actions, limits.risk, calls, reads, writes, external, perVerb]);
    const known = this.known.get(key);
    if (known) return known;
    if (this.known.size >= SHAPES) this.known.clear();
    const losses = this.changed.flatMap((each) => lossOf(limits, each) ?? []);
    this.known.set(key, losses);
    return losses;
  }
}

function otherEffects(before: DecidedAction, after: DecidedAction): string[] {
  const [was, is] = [before, after].map(({ effect, effects }) => (effects ?? [effect]).join(' and ')) as [
    string,
    string,
  ];
  return was === is ? [] : [`it counts as ${is} instead of ${was}`];
}

/** Returns the paths in the limits of a lease of which the manifest of its class would leave less than now. */
function narrowerUnder(
  before: Agents | undefined,
  after: Agents | undefined,
  agentClass: string,
  limits: Limits,
  issuedAt: number,
): string[] {
  const [was, is] = [before?.of(agentClass), after?.of(agentClass)];
  if (after === undefined || (before !== undefined && was?.digest === is?.digest)) return [];
  const cut = cutsOf(is, limits, issuedAt);
  if (before === undefined) return cut;
  const already = new Set(cutsOf(was, limits, issuedAt));
  return cut.filter((path) => !already.has(path));
}

/** Without a manifest, or with one that this release cannot read, an agent of the class may do nothing. */
function cutsOf(manifest: Manifest | undefined, limits: Limits, issuedAt: number): string[] {
  if (manifest === undefined || manifest.fault !== undefined) return ['actions'];
  if (!manifest.most) return [];
  return [...new Set(widerThanMost(manifest.most, limits, issuedAt).map(({ path }) => path))];
}

const SHAPES = 10_000;
const CLASSES = 200;
/** No class has this name, since it contains a space. */
const OTHERS = 'all others';
/** the losses that one lease lists */
const LOSSES = 8;

/**
 * Compares what an unused lease decides about a verb by its actions, its caps of counts and its risk. Its ancestors
 * permit no less (I1).
 */
function lossOf(limits: Limits, { verb, tool, before, after }: ChangedVerb): Loss | undefined {
  const [was, is] = [before, after].map((facts) => verdictOn(limits, verb, tool, facts)) as [Verdict, Verdict];
  if (RANK[is.outcome] <= RANK[was.outcome]) return undefined;
  return {
    verb,
    ...(tool === undefined ? {} : { tool }),
    before: was.outcome,
    after: is.outcome,
    ...(is.code === undefined ? {} : { code: is.code }),
  };
}

const RANK: Record<DecisionOutcome, number> = { permit: 0, 'step-up': 1, deny: 2 };

function verdictOn(
  limits: Limits,
  verb: string,
  tool: string | undefined,
  { effects, risk: of, stage }: Facts,
): Verdict {
  const call: ActionFacts = {
    verb,
    tool,
    effect: effects[effects.length - 1] ?? 'write',
    effects: effects.length > 1 ? effects : undefined,
    risk: of,
    stage,
    resource: { type: '', id: '', attributes: {} },
    cost: {},
    agentClass: '',
    declaredPosture: {},
    currentPosture: undefined,
    proof: { vouched: true },
  };
  const situation = {
    usage: usageFor(limits, 0),
    drift: 0,
    askAt: undefined,
    stages: limits.actions.stages === true,
    leaf: true,
  };
  const verdicts = [
    actions.admits(limits.actions, call, situation, 0),
    risk.admits(limits.risk, call, situation, 0),
    budget.admits({ ...limits.budget, askAt: undefined }, call, situation, 0),
  ];
  return verdicts.reduce((a, b) => (RANK[b.outcome] > RANK[a.outcome] ? b : a));
}
