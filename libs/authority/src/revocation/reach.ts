import type { RevocationTarget } from '@bailiwick/contracts/events/event';
import type { Limits } from '@bailiwick/contracts/grants/grant';
import { eachPart, namesVerb, type StoredSelector } from '@bailiwick/contracts/revocations/stored-selector';
import { LIMITS } from '@bailiwick/core/limits';
import { revokedRequest } from '../presentation/approval-status';
import { blockedItself } from '../state/liveness';
import { deniesTool, isOlder, type Rule } from './rule-set';
import { couldUseNamed, selects, withoutVerb } from './selects';
import { ruleOf, subjectOf, type Named } from './revocation-rules';
import {
  current,
  type ActionNode,
  type ApprovalNode,
  type GrantNode,
  type LogState,
  type RunNode,
} from '../state/state';
import { normalizeTool } from '../matching/tool-name';
import { matchesVerb, normalizeVerb } from '../matching/verbs/verb';

/** A revocation that a person may make. */
export interface Meant {
  readonly selector: StoredSelector;
  readonly target?: RevocationTarget | undefined;
  readonly quarantine?: boolean | undefined;
}

/** The effect of a rule: `loses` is a lease that stays live without the tool. */
export interface Reached {
  readonly ends: boolean;
  readonly loses: boolean;
}
const UNREACHED: Reached = { ends: false, loses: false };
const ENDS: Reached = { ends: true, loses: false };
const BOTH: Reached = { ends: true, loses: true };

/**
 * Decides whether a revocation ends leases or denies a tool or verbs. If in doubt, it denies the tool and the leases stay live.
 */
export const targetOf = ({ selector, target }: Meant): RevocationTarget =>
  namesVerb(selector) ? (target ?? 'tool') : 'leases';

/** Determines what a revocation at a position and a time would reach, one item at a time. Read-only. */
export class Reach {
  readonly target: RevocationTarget;
  /** the cost so far, in leases read, including ancestors; a comparison of many patterns counts as several */
  work = 0;
  private readonly rule: Rule;
  private readonly selector: StoredSelector;
  private readonly others: StoredSelector;
  private readonly tool: string | undefined;
  private readonly namesVerb: boolean;
  /** parts of the selector that are compared with the patterns of each lease */
  private readonly patterns: number;
  /** a name that is not a verb may be the tool of any lease */
  private readonly isTool: boolean;

  constructor(
    private readonly state: LogState,
    meant: Meant,
    private readonly now: number,
    readonly asOf: number = state.next,
  ) {
    const { selector, quarantine = false } = meant;
    this.target = targetOf(meant);
    this.rule = ruleOf({ revocationId: '', selector, target: this.target, quarantine }, asOf, now);
    this.selector = selector;
    this.others = withoutVerb(selector);
    this.namesVerb = namesVerb(selector);
    this.patterns = patternsIn(selector);
    this.tool = selector.tool === undefined ? undefined : normalizeTool(selector.tool);
    this.isTool = this.tool !== undefined && !normalizeVerb(this.tool).ok;
  }

  /** Checks a lease that could still act, now or once it is resumed. */
  grant(grant: GrantNode): Reached {
    if (grant.supersededBy !== undefined) return UNREACHED;
    const reached = this.chain(grant);
    const { ends, loses } = reached;
    if (!loses) return reached;
    return { ends, loses: loses && (this.isTool || this.couldUse(grant.limits)) };
  }

  /** Checks a permit without an outcome: the call is in progress, and its lease ends or loses the tool. */
  action(action: ActionNode): Reached {
    const { ends, loses } = this.chain(current(this.state, action.grantId));
    return { ends, loses: loses && this.names(action) };
  }

  /** Checks a pending request, which could no longer be approved. */
  approval(approval: ApprovalNode): Reached {
    const { state, now } = this;
    const run = state.runs.get(approval.runId);
    if (!run || approval.status !== 'pending' || now >= approval.expiresAt) return UNREACHED;
    this.work += 1;
    if (revokedRequest(state, approval, now)) return UNREACHED; // an earlier revocation reached it
    const { ends: asked } = this.itself(run, approval);
    const above = approval.supersedes ?? approval.grantId ?? approval.parentId;
    const { ends, loses } = above === undefined ? UNREACHED : this.chain(current(state, above));
    const { verb, tool } = approval;
    return { ends: asked || ends, loses: loses && verb !== undefined && this.names({ verb, tool }) };
  }

  /**
   * Walks like `blockedInChain`, without building a list: a chain that is broken or has ended for good is never
   * reached.
   */
  private chain(leaf: GrantNode | undefined): Reached {
    const { state, now } = this;
    let [ends, loses, depth] = [false, false, 0];
    for (let grant = leaf; grant; grant = current(state, grant.parentId)) {
      this.work += 1;
      if ((depth += 1) > LIMITS.treeDepth + 1) return UNREACHED;
      const blocked = blockedItself(state, grant, now);
      if (blocked && blocked.status !== 'suspended') return UNREACHED;
      const run = state.runs.get(grant.runId);
      const itself = run ? this.itself(run, grant) : UNREACHED;
      ends ||= itself.ends;
      loses ||= itself.loses;
      if (grant.parentId === undefined) return ends ? (loses ? BOTH : ENDS) : loses ? { ends, loses } : UNREACHED;
    }
    return UNREACHED;
  }

  private itself(run: RunNode, { treeId, limits }: Pick<ApprovalNode, 'treeId' | 'limits'>): Reached {
    const { rule, selector } = this;
    const older = isOlder(rule, run);
    if (this.patterns > 0 && limits) this.work += (this.patterns * patternsOf(limits)) / PER_LEASE;
    if (
      !limits ||
      (!older && !deniesTool(rule, run, this.now)) ||
      !selects(this.others, subjectOf(run, { treeId, limits }))
    )
      return UNREACHED;
    if (!this.namesVerb) return older ? ENDS : UNREACHED;
    return { ends: older && couldUseNamed(selector, limits), loses: deniesTool(rule, run, this.now) };
  }

  /** Reports whether a lease could use what it loses: the tool or the verbs, on any resource. */
  private couldUse(limits: Limits): boolean {
    const { tool, verb } = this.selector;
    return couldUseNamed({ tool, verb }, limits);
  }

  private names({ verb, tool }: Named): boolean {
    if (this.selector.verb !== undefined) return matchesVerb(this.selector.verb, verb);
    return verb === this.tool || (tool !== undefined && normalizeTool(tool) === this.tool);
  }
}

/** comparisons of two patterns that take as long as a lease whose names alone are compared */
const PER_LEASE = 32;

function patternsIn(selector: StoredSelector): number {
  let count = 0;
  eachPart(selector, ({ tool, verb, resource }) => {
    if (tool !== undefined || verb !== undefined || resource !== undefined) count += 1;
  });
  return count;
}

/** The number of patterns in limits; long ones count as several. */
function patternsOf({ actions, resources, permissions = [] }: Limits): number {
  const entries = permissions.reduce((sum, entry) => sum + entry.actions.length + entry.resources.length, 0);
  return resources.reduce((sum, { match }) => sum + 1 + match.length / 16, actions.allow.length + entries);
}

/** Reports whether an effect counts for the intended target. */
export const counts = ({ ends, loses }: Reached, target: RevocationTarget): boolean =>
  target === 'tool' ? loses : ends;

/** How many of the grants and requests from a position onward a revocation would reach, as far as they were counted. */
export interface Grown {
  readonly count: number;
  /** false: more is newer than one decision may read */
  readonly counted: boolean;
}

/** Reads the newest first, up to a fixed number, so that the duration of a decision does not grow with the state. */
export function grownSince(
  state: LogState,
  meant: Meant,
  from: number,
  now: number,
  most: number = LIMITS.grownSeen,
): Grown {
  const reach = new Reach(state, meant, now);
  let count = 0;
  for (let i = state.order.length - 1; i >= 0 && (state.order[i] as GrantNode).position >= from; i--) {
    if (reach.work >= most) return { count, counted: false };
    reach.work += 1;
    if (counts(reach.grant(state.order[i] as GrantNode), reach.target)) count += 1;
  }
  for (const approval of state.waiting.since(from)) {
    if (reach.work >= most) return { count, counted: false };
    if (counts(reach.approval(approval), reach.target)) count += 1;
  }
  return { count, counted: true };
}
