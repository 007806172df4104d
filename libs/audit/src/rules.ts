import type { ActionFacts, Situation } from '@bailiwick/authority/dimensions/dimension';
import { attenuatesAll, DIMENSION_TABLE } from '@bailiwick/authority/dimensions/all';
import { normalizeTool } from '@bailiwick/authority/matching/tool-name';
import { unverifiedCost } from '@bailiwick/authority/matching/unverified';
import type { Event, EventOf } from '@bailiwick/contracts/event';
import { type Counter, type Effect } from '@bailiwick/contracts/grant';
import { canonicalize } from '@bailiwick/core/canonical';
import { Account } from './accounts';
import { at, Books, isOutcome, type Grant, type Permit } from './books';
import type { Check } from './finding';

/** Tells what is wrong with the event at hand. */
type Tell = (check: Check, detail: string) => void;

/**
 * Whether each event was one that the rules allow, judged by the events before it: I1, I2, I3, I6, I7 and I8. It keeps
 * books of its own and never asks `decide` or the folded state; of the rules it uses what one grant admits and what one
 * grant is inside another. What a tree's sequence rules or a policy said is not judged again here: see the replay.
 */
export class Rulebook {
  readonly books = new Books();
  /** grants that the last event used up or overran: the next ones must end them, or suspend them, in the same append (I3) */
  private due = new Map<string, 'end' | 'stop'>();

  check(event: Event, tell: Tell): void {
    if (this.due.size > 0 && event.type !== 'GrantExhausted' && event.type !== 'GrantSuspended') this.overdue(tell);
    const handler = HANDLERS[event.type] as ((book: Rulebook, event: Event, tell: Tell) => void) | undefined;
    handler?.(this, event, tell);
    if (isOutcome(event)) this.outcome(event, tell);
  }

  /** What should have followed and did not; asked after the last event, too. */
  overdue(tell: Tell): void {
    for (const [id, what] of this.due)
      tell(
        'budget',
        `${id} was ${what === 'end' ? 'used up' : 'overrun'} by the event before, and does not ${what} with it`,
      );
    this.due.clear();
  }

  /** Suspended by what is recorded here: enough for one that was overrun from below, and not for one that was used up. */
  stopped(id: string): void {
    if (this.due.get(id) === 'stop') this.due.delete(id);
  }

  permit(event: EventOf<'ActionPermitted'>, tell: Tell): void {
    const { books } = this;
    const now = at(event.time);
    const { data } = event;
    const id = event.actionId ?? event.id;
    if (books.permitted.has(id)) tell('custody', `${id} is permitted a second time`);
    const chain = books.chain(event.grantId);
    if (!chain) return tell('custody', `there is no chain of grants above ${event.grantId ?? 'no grant'}`);
    const leaf = chain[0] as Grant;
    if (leaf.id !== event.grantId) tell('custody', `${event.grantId ?? ''} was superseded by ${leaf.id}`);
    linked(chain, event, tell);
    const dead = books.dead(chain, now);
    if (dead !== undefined) tell('liveness', `permitted although ${dead}`);
    const asks = admitted(chain, event, now, tell);
    const names = [data.verb, ...(data.tool === undefined ? [] : [normalizeTool(data.tool)])];
    const rule = books.toolStruck(chain, (tool) => names.includes(normalizeTool(tool)));
    if (rule !== undefined) tell('revocation', `the tool ${data.tool ?? data.verb} was revoked by ${rule}`);
    if (data.approvalId !== undefined) this.use(data.approvalId, event, data.binding, tell);
    else if (asks !== undefined) tell('approval', `permitted without a person, and ${asks}`);

    const entry: Permit = { id, grantId: leaf.id, runId: leaf.run.id, charge: data.charge, at: now };
    for (const grant of chain) {
      const { over, usedUp } = grant.account.charge(entry);
      if (over !== undefined) tell('budget', `permitted although ${over} of ${grant.id}`);
      if (usedUp) this.due.set(grant.id, 'end');
    }
    books.permitted.add(id);
    books.open.set(id, entry);
  }

  private outcome(event: Parameters<typeof isOutcome>[0], tell: Tell): void {
    if (!isOutcome(event)) return;
    const { books } = this;
    const id = event.actionId ?? '';
    const permit = books.open.get(id);
    if (!permit)
      return tell(
        'custody',
        books.permitted.has(id) ? `${id} has two outcomes` : `an outcome of ${id}, which was not permitted`,
      );
    if (permit.runId !== event.runId) tell('custody', `the outcome of ${id} is told by another run`);
    books.open.delete(id);
    if (event.type === 'ActionAbandoned') books.abandoned.set(id, permit.runId);
    const { cost, charge } = event.data;
    const unaccounted = unaccountedOf(event as EventOf<'ActionCompleted'>);
    if (unaccounted !== undefined) tell('budget', `the outcome of ${id}: ${unaccounted}`);
    const over = Object.entries(cost).some(([currency, value]) => value > (permit.charge.cost[currency] ?? 0));
    (books.chain(permit.grantId) ?? []).forEach((grant, up) => {
      const used = grant.account.settle(permit, charge.cost, at(event.time));
      if (grant.ended !== undefined) return;
      if ((over && up === 0) || used === 'reached') this.due.set(grant.id, 'end');
      else if (used === 'exceeded' && !grant.suspended) this.due.set(grant.id, 'stop');
    });
  }

  /** I8: given by a person, for exactly this, in time, and not used before. */
  use(id: string, event: Event, binding: string | undefined, tell: Tell): void {
    const asked = this.books.approvals.get(id);
    if (!asked) return tell('approval', `${id} was never asked for`);
    if (asked.state !== 'approved') return tell('approval', `${id} is ${asked.state}`);
    const { data, runId } = asked.event;
    if (runId !== event.runId) tell('approval', `${id} was given to ${runId ?? 'nobody'}`);
    if (binding !== undefined && (data.kind !== 'action' || data.binding !== binding))
      tell('approval', `${id} was given for another call`);
    if (asked.usableUntil !== undefined && at(event.time) >= asked.usableUntil)
      tell('approval', `${id} was not used in time`);
    asked.state = 'used';
  }

  issue(event: EventOf<'GrantIssued'>, tell: Tell): void {
    const { books } = this;
    const { parentId, supersedes, limits, approvalId, depth } = event.data;
    const id = event.grantId ?? event.id;
    const run = books.runs.get(event.runId ?? '');
    if (!run) return tell('custody', `a grant of ${event.runId ?? 'no run'}, which is not known`);
    const now = at(event.time);
    const old = supersedes === undefined ? undefined : books.grants.get(supersedes);
    const parent = books.standing(parentId);
    for (const from of [supersedes, parentId]) {
      const chain = from === undefined ? [] : books.chain(from);
      const dead = chain && books.dead(chain, now);
      if (dead !== undefined) tell('liveness', `issued although ${dead}`);
      if (!chain) tell('custody', `there is no chain of grants above ${from ?? ''}`);
    }
    if (parent) below(parent, event, old !== undefined, tell);
    else if (depth !== 0) tell('custody', `a root grant at depth ${depth}`);
    if (run.parentRunId !== parent?.run.id)
      tell('custody', `its parent is not the grant of ${run.parentRunId ?? 'nobody'}`);
    const rule = books.quarantine(run, limits);
    if (rule !== undefined) tell('revocation', `issued under the quarantine ${rule}`);
    const struck = books.strikesIssued(run, limits);
    if (struck !== undefined) tell('revocation', `issued although ${struck} had revoked what was asked for`);
    if (supersedes !== undefined && approvalId === undefined) tell('approval', 'raised, and nobody approved it');
    if (approvalId !== undefined) {
      const asked = books.approvals.get(approvalId)?.event.data;
      this.use(approvalId, event, undefined, tell);
      if (asked && (asked.kind === 'action' || canonicalize(asked.limits) !== canonicalize(limits)))
        tell('approval', `${approvalId} was given for another lease`);
    }
    old?.account.raise(limits.budget);
    if (parent && !old) parent.children += 1;
    books.grants.set(id, {
      id,
      run,
      parentId,
      depth,
      limits,
      expiresAt: at(limits.time.expiresAt),
      issuedAt: now,
      position: event.position,
      account: old?.account ?? new Account(limits.budget),
      ended: undefined,
      struck: undefined,
      suspended: false,
      supersededBy: undefined,
      children: old?.children ?? 0,
      rulesSeen: books.rules.length,
    });
  }

  end(event: Event, why: string, tell: Tell): void {
    const grant = this.books.grants.get(event.grantId ?? '');
    if (!grant) return tell('custody', `${event.grantId ?? 'no grant'} is not known`);
    grant.ended = why;
    this.due.delete(grant.id);
  }
}

/** What was reported is charged, or a finding says why it is not. */
function unaccountedOf({ data: { cost, charge, findings = [] } }: EventOf<'ActionCompleted'>): string | undefined {
  for (const currency of new Set([...Object.keys(cost), ...Object.keys(charge.cost)])) {
    const found = findings.filter((each) => each.currency === currency).reduce((sum, { amount }) => sum + amount, 0);
    const [reported, charged] = [cost[currency] ?? 0, charge.cost[currency] ?? 0];
    if (reported !== charged + found)
      return `${reported} ${currency} reported, ${charged} charged, and ${found} recorded as charged nowhere`;
  }
  return undefined;
}

/** Every link of the chain is of the run above it, in one tree (I7). */
function linked(chain: readonly Grant[], event: Event, tell: Tell): void {
  if (chain[0]?.run.id !== event.runId)
    tell('custody', `${event.grantId ?? ''} is no grant of ${event.runId ?? 'no run'}`);
  chain.forEach((grant, up) => {
    const above = chain[up + 1];
    if (grant.run.treeId !== event.treeId || grant.run.parentRunId !== above?.run.id)
      tell('custody', `the chain has a gap above ${grant.id}`);
  });
}

/** I1: no wider than its parent in any dimension, and one more than its parent may have in none. */
function below(parent: Grant, { data: { limits, depth } }: EventOf<'GrantIssued'>, raised: boolean, tell: Tell): void {
  for (const { message } of attenuatesAll(limits, parent.limits)) tell('attenuation', `a grant that ${message}`);
  if (depth !== parent.depth + 1) tell('custody', `at depth ${depth}, below one at ${parent.depth}`);
  if (!raised && parent.children >= parent.limits.delegation.children)
    tell('attenuation', `${parent.id} may have ${parent.limits.delegation.children} children, and has this one beside`);
}

/**
 * I1: what each grant of the chain says to the action as it was recorded.
 * @returns why a person must have been asked, where one must
 */
function admitted(
  chain: readonly Grant[],
  { data }: EventOf<'ActionPermitted'>,
  now: number,
  tell: Tell,
): string | undefined {
  const leaf = chain[0] as Grant;
  const { type, id, attributes = {} } = data.resource;
  const facts: ActionFacts = {
    verb: data.verb,
    tool: data.tool,
    effect: data.effect,
    effects: data.effects,
    risk: data.risk,
    stated: data.stated,
    resource: { type, id, attributes },
    cost: data.charge.cost,
    agentClass: leaf.run.agent.class,
    declaredPosture: leaf.run.agent.posture ?? {},
    currentPosture: data.posture,
    proof: data.proof.vouched ? { vouched: true } : { vouched: false, jkt: data.proof.jkt },
  };
  let asks: string | undefined;
  for (const grant of chain) {
    const situation: Situation = { usage: NOTHING_USED, drift: data.drift ?? 0, leaf: grant === leaf };
    for (const dimension of DIMENSION_TABLE) {
      if (dimension.name === 'budget') continue; // counted here in accounts of our own
      const verdict = dimension.admits(grant.limits[dimension.name] as never, facts, situation, now);
      if (verdict.outcome === 'deny') tell('attenuation', `${grant.id} admits no such action: ${verdict.message}`);
      if (verdict.outcome === 'step-up') asks ??= `${grant.id} asks for one: ${verdict.message}`;
    }
  }
  for (const effect of data.effects ?? [data.effect])
    if (data.charge[COUNTER_OF[effect]] < 1) tell('budget', `it counts as ${effect}, and is not charged as one`);
  const cost = unverifiedCost(data.labels, data.stated);
  if (cost) asks ??= `it needs one: ${cost.message}`;
  const bound = chain.find(({ limits }) => limits.session.jkt !== undefined);
  if (bound && leaf.limits.session.jkt === undefined && !data.proof.vouched)
    tell('attenuation', `${bound.id} is bound to a key, and ${leaf.id} to none`);
  return asks;
}

const COUNTER_OF: Record<Effect, Counter> = { read: 'reads', write: 'writes', exec: 'writes', external: 'external' };

const NONE = { calls: 0, reads: 0, writes: 0, external: 0, cost: {} };
const NOTHING_USED = { committed: NONE, reserved: NONE, windows: [] };

const HANDLERS: { readonly [T in Event['type']]?: (book: Rulebook, event: EventOf<T>, tell: Tell) => void } = {
  RunOpened({ books }, { runId = '', treeId, data, position, time }, tell) {
    if (books.runs.has(runId)) return tell('custody', `${runId} is opened twice`);
    const { agent, principalRef, purposeRef, parentRunId } = data;
    const above = parentRunId === undefined ? undefined : books.runs.get(parentRunId);
    if (parentRunId !== undefined && above?.treeId !== treeId) tell('custody', `${parentRunId} is no run of its tree`);
    if (above && above.principalRef !== principalRef) tell('custody', 'a run below another, of another principal');
    books.runs.set(runId, {
      id: runId,
      treeId,
      parentRunId,
      agent,
      principalRef,
      purposeRef,
      position,
      startedAt: at(time),
    });
  },
  GrantIssued: (book, event, tell) => book.issue(event, tell),
  ActionPermitted: (book, event, tell) => book.permit(event, tell),
  OutcomeReportedLate({ books }, { actionId = '', runId }, tell) {
    if (books.abandoned.get(actionId) !== runId)
      tell('custody', `a late report of ${actionId}, which was not given up, or is reported already`);
    books.abandoned.delete(actionId);
  },
  GrantSuperseded({ books }, event, tell) {
    const [old, by] = [books.grants.get(event.grantId ?? ''), books.grants.get(event.data.by)];
    if (!old || old.run.id !== by?.run.id || old === by) return tell('custody', 'superseded by no raise of it');
    old.supersededBy = by.id;
    old.ended = `is superseded by ${by.id}`;
  },
  GrantSuspended(book, event) {
    const grant = book.books.grants.get(event.grantId ?? '');
    if (!grant) return;
    grant.suspended = true;
    book.stopped(grant.id);
  },
  GrantResumed({ books }, event, tell) {
    const grant = books.grants.get(event.grantId ?? '');
    if (grant) grant.suspended = false;
    if (event.actor.kind === 'system' || event.actor.kind === 'run') tell('liveness', 'resumed by no person');
  },
  GrantRevoked: (book, event, tell) => book.end(event, 'is revoked', tell),
  GrantExpired: (book, event, tell) => book.end(event, 'is expired', tell),
  GrantExhausted: (book, event, tell) => book.end(event, 'is exhausted', tell),
  RunCompleted({ books }, event) {
    const grant = books.standing(event.grantId);
    if (grant) grant.ended ??= 'is completed';
  },
  ApprovalRequested({ books }, event, tell) {
    const { approvalId } = event.data;
    if (books.approvals.has(approvalId)) return tell('approval', `${approvalId} is asked for twice`);
    books.approvals.set(approvalId, { event, state: 'asked', usableUntil: undefined });
  },
  ApprovalGiven({ books }, { data, actor, time }, tell) {
    const asked = books.approvals.get(data.approvalId);
    if (asked?.state !== 'asked') return tell('approval', `${data.approvalId} is answered, and does not wait for it`);
    if (actor.kind === 'run' || actor.kind === 'system')
      tell('approval', `${data.approvalId} is answered by no person`);
    if (at(time) >= at(asked.event.data.expiresAt)) tell('approval', `${data.approvalId} is answered too late`);
    asked.state = data.verdict === 'approve' ? 'approved' : 'denied';
    asked.usableUntil = data.usableUntil === undefined ? undefined : at(data.usableUntil);
  },
  ApprovalExpired({ books }, { data }, tell) {
    const asked = books.approvals.get(data.approvalId);
    if (asked?.state !== 'asked') return tell('approval', `${data.approvalId} runs out, and does not wait`);
    asked.state = 'expired';
  },
  RevocationRuleAdded({ books }, { data, position, time }) {
    const { issuedBefore } = data.selector;
    const before = issuedBefore === undefined ? undefined : at(issuedBefore);
    const { revocationId, selector, quarantine } = data;
    const target = data.target === 'tool' ? 'tool' : undefined;
    const rule = { revocationId, selector, target, quarantine, position, time: at(time) } as const;
    books.rules.push({ ...rule, issuedBefore: before, lifted: undefined });
  },
  QuarantineLifted({ books }, { data }) {
    for (const rule of books.rules) if (rule.revocationId === data.revocationId) rule.quarantine = false;
  },
};
