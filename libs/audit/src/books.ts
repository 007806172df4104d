import {
  deniesTool,
  selects,
  strikes,
  withoutTool,
  type Rule,
  type Subject,
} from '@bailiwick/authority/revocation/rule-set';
import type { Event, EventOf } from '@bailiwick/contracts/event';
import type { Agent, Limits } from '@bailiwick/contracts/grant';
import { Account, type Entry } from './accounts';

/** What events say of runs, grants, permits and approvals: the auditor's own books, kept apart from the fold. */

export interface Run {
  readonly id: string;
  readonly treeId: string | undefined;
  readonly parentRunId: string | undefined;
  readonly agent: Agent;
  readonly principalRef: string;
  readonly purposeRef: string;
  /** where and when it was opened: its authority is as old */
  readonly position: number;
  readonly startedAt: number;
}
export interface Grant {
  readonly id: string;
  readonly run: Run;
  readonly parentId: string | undefined;
  readonly depth: number;
  readonly limits: Limits;
  readonly expiresAt: number;
  readonly issuedAt: number;
  readonly position: number;
  readonly account: Account;
  /** why it can act no more */
  ended: string | undefined;
  struck: string | undefined;
  suspended: boolean;
  supersededBy: string | undefined;
  children: number;
  /** rules up to this one were looked at */
  rulesSeen: number;
}
export interface Permit extends Entry {
  readonly id: string;
  readonly grantId: string;
  readonly runId: string;
}
export interface Asked {
  readonly event: EventOf<'ApprovalRequested'>;
  state: 'asked' | 'approved' | 'denied' | 'expired' | 'used';
  usableUntil: number | undefined;
}

export class Books {
  readonly runs = new Map<string, Run>();
  readonly grants = new Map<string, Grant>();
  /** permits without an outcome */
  readonly open = new Map<string, Permit>();
  /** every action that was permitted */
  readonly permitted = new Set<string>();
  /** given up, and nothing reported of them since → the run */
  readonly abandoned = new Map<string, string>();
  readonly approvals = new Map<string, Asked>();
  readonly rules: Rule[] = [];

  /** The grant that stands in the place of this one. */
  standing(id: string | undefined): Grant | undefined {
    let grant = id === undefined ? undefined : this.grants.get(id);
    for (let hops = 0; grant?.supersededBy !== undefined && hops < 10_000; hops++)
      grant = this.grants.get(grant.supersededBy);
    return grant;
  }

  /** The grant and all above it as they stand, leaf first; undefined where a link is missing. */
  chain(id: string | undefined): Grant[] | undefined {
    const chain: Grant[] = [];
    for (let grant = this.standing(id); grant; grant = this.standing(grant.parentId)) {
      chain.push(grant);
      if (chain.length > 1_000) return undefined;
      if (grant.parentId === undefined) return chain;
    }
    return undefined;
  }

  /** Why nothing may be done under a chain at a time (I2), or undefined. */
  dead(chain: readonly Grant[], now: number): string | undefined {
    for (const grant of chain) {
      const why = this.deadItself(grant, now);
      if (why !== undefined) return `${grant.id} ${why}`;
    }
    return undefined;
  }

  private deadItself(grant: Grant, now: number): string | undefined {
    for (; grant.rulesSeen < this.rules.length; grant.rulesSeen++) {
      const rule = this.rules[grant.rulesSeen] as Rule;
      if (strikes(rule, grant.run) && selects(rule.selector, subjectOf(grant.run, grant.limits)))
        grant.struck ??= `is struck by ${rule.revocationId}`;
    }
    if (grant.ended !== undefined || grant.struck !== undefined) return grant.ended ?? grant.struck;
    if (now >= grant.expiresAt) return 'is over its time';
    return grant.suspended ? 'is suspended' : undefined;
  }

  /** The rule that denies a tool or verb of this name under a chain. */
  toolStruck(chain: readonly Grant[], named: (tool: string) => boolean): string | undefined {
    for (const rule of this.rules) {
      const { tool } = rule.selector;
      if (tool === undefined || !named(tool)) continue;
      const others = withoutTool(rule.selector);
      const struck = chain.some(({ run, limits }) => deniesTool(rule, run) && selects(others, subjectOf(run, limits)));
      if (struck) return rule.revocationId;
    }
    return undefined;
  }

  /** The quarantine that a new grant of this run would be refused by. */
  quarantine(run: Run, limits: Limits): string | undefined {
    const subject = subjectOf(run, limits);
    return this.rules.find((rule) => {
      const { issuedBefore: _, ...parts } = rule.selector;
      return rule.quarantine && rule.target !== 'tool' && selects(parts, subject);
    })?.revocationId;
  }

  /** The rule that strikes a lease of this run before it is issued: the run is older than the rule. */
  strikesIssued(run: Run, limits: Limits): string | undefined {
    const subject = subjectOf(run, limits);
    return this.rules.find((rule) => strikes(rule, run) && selects(rule.selector, subject))?.revocationId;
  }
}

const subjectOf = ({ agent, principalRef, purposeRef, treeId }: Run, limits: Limits): Subject => ({
  agentClass: agent.class,
  agentInstance: agent.instance,
  modelVersion: agent.posture?.modelVersion,
  principalRef,
  purposeRef,
  treeId: treeId ?? '',
  limits,
});

/** A time that an event names, ms; NaN where it names none, which is before and after nothing. */
export const at = (time: string): number => Date.parse(time);

export const isOutcome = (
  event: Event,
): event is EventOf<'ActionCompleted'> | EventOf<'ActionFailed'> | EventOf<'ActionAbandoned'> =>
  event.type === 'ActionCompleted' || event.type === 'ActionFailed' || event.type === 'ActionAbandoned';
