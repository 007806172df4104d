import { appliesAt, deniesTool, strikes, suspendsAt, type Rule } from '@bailiwick/authority/revocation/rule-set';
import { selects, withoutVerb, type Subject } from '@bailiwick/authority/revocation/selects';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import type { Agent, Limits } from '@bailiwick/contracts/grants/grant';
import { Account, type Entry } from './accounts';
import type { EntryBook } from './entry-caps';
import { OpenChildren } from './open-children';
import { Purses } from './purses';

/** The auditor's records of runs, grants, permits and approvals, independent of the fold. */

export interface Run {
  readonly id: string;
  readonly treeId: string | undefined;
  readonly parentRunId: string | undefined;
  readonly agent: Agent;
  readonly principalRef: string;
  readonly purposeRef: string;
  /** position and time of its opening, which is the age of its authority */
  readonly position: number;
  readonly startedAt: number;
}
export interface Grant {
  readonly id: string;
  readonly run: Run;
  readonly parentId: string | undefined;
  readonly depth: number;
  /** as renewals and narrowings left them */
  limits: Limits;
  expiresAt: number;
  readonly issuedAt: number;
  readonly position: number;
  /** whose answer issued it, or the lease that it replaced */
  readonly approver: string | undefined;
  /** digest of the manifest of its class beyond which a person approved it */
  readonly beyond: string | undefined;
  readonly account: Account;
  readonly entries: EntryBook;
  /** why it can no longer act */
  ended: string | undefined;
  struck: string | undefined;
  suspended: boolean;
  /** the run that suspended it, if a run did */
  heldBy: string | undefined;
  supersededBy: string | undefined;
  children: number;
  /** the number of rules already checked */
  rulesSeen: number;
}
export interface Permit extends Entry {
  readonly id: string;
  readonly grantId: string;
  readonly runId: string;
  /** the class of the agent that it calls, if its resource is an agent */
  readonly callsAgent: string | undefined;
  readonly verb: string;
  readonly position: number;
  /** the grants that end if it is completed */
  ends: readonly string[];
}
/** What speaks against renewing the lease of a run: its highest score, and its denials since the last permit. */
export interface Conduct {
  drift: number;
  denials: number;
}
export interface Asked {
  readonly event: EventOf<'ApprovalRequested'>;
  state: 'asked' | 'approved' | 'denied' | 'expired' | 'used' | 'withdrawn';
  /** set if it covers more than one call */
  standing?: EventOf<'ApprovalGiven'>['data'];
  usableUntil: number | undefined;
  /** the limits given, if they are less than those asked for */
  less: Limits | undefined;
}

export class Books {
  readonly runs = new Map<string, Run>();
  readonly grants = new Map<string, Grant>();
  /** permits without an outcome */
  readonly open = new Map<string, Permit>();
  /** all permitted actions */
  readonly permitted = new Set<string>();
  /** abandoned actions without a late report → their run */
  readonly abandoned = new Map<string, string>();
  /** abandoned actions whose completion would end leases */
  readonly abandonedEnds = new Map<string, Permit>();
  private readonly conducts = new Map<string, Conduct>();
  readonly approvals = new Map<string, Asked>();
  readonly rules: Rule[] = [];
  /** those of the rules that only suspend */
  readonly suspensions: Rule[] = [];
  readonly openChildren = new OpenChildren();
  readonly purses = new Purses();

  /** Records that a run has ended: it is no longer one of the children that live at one time. */
  runEnded(runId: string | undefined): void {
    this.openChildren.ended(runId, this.runs.get(runId ?? '')?.parentRunId);
  }

  conduct(runId: string | undefined): Conduct {
    const known = this.conducts.get(runId ?? '') ?? { drift: 0, denials: 0 };
    this.conducts.set(runId ?? '', known);
    return known;
  }

  /** Returns the grant that supersedes this one, or the grant itself. */
  standing(id: string | undefined): Grant | undefined {
    let grant = id === undefined ? undefined : this.grants.get(id);
    for (let hops = 0; grant?.supersededBy !== undefined && hops < 10_000; hops++)
      grant = this.grants.get(grant.supersededBy);
    return grant;
  }

  /** Returns the current grant and its current ancestors, leaf first; undefined if a link is missing. */
  chain(id: string | undefined): Grant[] | undefined {
    const chain: Grant[] = [];
    for (let grant = this.standing(id); grant; grant = this.standing(grant.parentId)) {
      chain.push(grant);
      if (chain.length > 1_000) return undefined;
      if (grant.parentId === undefined) return chain;
    }
    return undefined;
  }

  /** Returns why nothing may be done under a chain at a time (I2), or undefined. */
  dead(chain: readonly Grant[], now: number): string | undefined {
    for (const grant of chain) {
      const why = this.deadItself(grant, now);
      if (why !== undefined) return `${grant.id} ${why}`;
    }
    return undefined;
  }

  /**
   * Returns why a run may not suspend, resume or revoke a grant: it did not delegate it, or cannot act itself. Undefined
   * if it may.
   */
  noPower(runId: string, grant: Grant, now: number): string | undefined {
    const above = (this.chain(grant.id) ?? []).slice(1).find(({ run }) => run.id === runId);
    if (!above) return `${runId} did not delegate ${grant.id}`;
    const dead = this.dead(this.chain(above.id) ?? [], now);
    return dead === undefined ? undefined : `${runId} may do nothing: ${dead}`;
  }

  private deadItself(grant: Grant, now: number): string | undefined {
    for (; grant.rulesSeen < this.rules.length; grant.rulesSeen++) {
      const rule = this.rules[grant.rulesSeen] as Rule;
      if (strikes(rule, grant.run) && selects(rule.selector, subjectOf(grant.run, grant)))
        grant.struck ??= `is struck by ${rule.revocationId}`;
    }
    if (grant.ended !== undefined || grant.struck !== undefined) return grant.ended ?? grant.struck;
    if (now >= grant.expiresAt) return 'is expired';
    if (grant.suspended) return 'is suspended';
    const held = this.suspensions.find(
      (rule) => suspendsAt(rule, grant.run, now) && selects(rule.selector, subjectOf(grant.run, grant)),
    );
    return held && `is suspended by ${held.revocationId}`;
  }

  /** Returns the rule that denies a tool or verb under a chain, by its name or a pattern of verbs. */
  toolStruck(
    chain: readonly Grant[],
    named: (tool: string) => boolean,
    covered: (pattern: string) => boolean,
    now: number,
  ): string | undefined {
    for (const rule of this.rules) {
      const { tool, verb } = rule.selector;
      const isMeant = (tool !== undefined && named(tool)) || (verb !== undefined && covered(verb));
      if (!isMeant) continue;
      const others = withoutVerb(rule.selector);
      const struck = chain.some(
        (grant) => deniesTool(rule, grant.run, now) && selects(others, subjectOf(grant.run, grant)),
      );
      if (struck) return rule.revocationId;
    }
    return undefined;
  }

  /** Returns the quarantine that refuses a new grant of this run. */
  quarantine(run: Run, lease: Lease, now: number): string | undefined {
    const subject = subjectOf(run, lease);
    return this.rules.find((rule) => {
      const { issuedBefore: _, ...parts } = rule.selector;
      return rule.quarantine && rule.target !== 'tool' && appliesAt(rule, now) && selects(parts, subject);
    })?.revocationId;
  }

  /** Returns the rule that strikes a lease of this run before it is issued, because the run is older than the rule. */
  strikesIssued(run: Run, lease: Lease): string | undefined {
    const subject = subjectOf(run, lease);
    return this.rules.find((rule) => strikes(rule, run) && selects(rule.selector, subject))?.revocationId;
  }
}

type Lease = Pick<Grant, 'limits' | 'approver'>;

const subjectOf = (
  { agent, principalRef, purposeRef, treeId, startedAt }: Run,
  { limits, approver }: Lease,
): Subject => ({
  agentClass: agent.class,
  agentInstance: agent.instance,
  modelVersion: agent.posture?.modelVersion,
  environment: agent.posture?.environment,
  imageDigest: agent.posture?.imageDigest,
  principalRef,
  purposeRef,
  approver,
  treeId: treeId ?? '',
  startedAt,
  limits,
});

/** Parses a time of an event, in ms; NaN if invalid, so that every comparison with it is false. */
export const at = (time: string): number => Date.parse(time);

export const isOutcome = (
  event: Event,
): event is EventOf<'ActionCompleted'> | EventOf<'ActionFailed'> | EventOf<'ActionAbandoned'> =>
  event.type === 'ActionCompleted' || event.type === 'ActionFailed' || event.type === 'ActionAbandoned';
