import { recordedFacts } from '@bailiwick/authority/dimensions/recorded-facts';
import { matchesVerb } from '@bailiwick/authority/matching/verbs/verb';
import { normalizeTool } from '@bailiwick/authority/matching/tool-name';
import type { Rule } from '@bailiwick/authority/revocation/rule-set';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { canonicalize } from '@bailiwick/core/canonical';
import { Account, amountsOf } from './accounts';
import { at, Books, isOutcome, type Grant, type Permit } from './books';
import { BrokeredCalls } from './brokered-rules';
import { admitted, situationOf, unaccountedOf } from './action-rules';
import { EntryBook } from './entry-caps';
import type { ReportFinding } from './finding';
import { below, isMore, linked } from './issue-rules';
import { isDecision, PolicyBook } from './policy-rules';
import { ResponderBook } from './responder-rules';
import { issuedUnder, permittedUnder } from './manifest-rules';
import { checkPower, checkResumption, checkSuspension } from './power-rules';
import { checkNarrowing, checkRenewal, endedBy, endsOf } from './lease-rules';

/**
 * Checks each event against the rules I1, I2, I3, I6, I7 and I8, given the events before it. Keeps separate records and
 * uses neither `decide` nor the folded state; of the rules it uses only what a grant admits and whether a grant is within
 * another. Sequence rules and policies are not checked here: see the replay.
 */
export class Rulebook {
  readonly books = new Books();
  /** grants that the last event used up or overran; the following events of the same append must end or suspend them (I3) */
  private due = new Map<string, 'end' | 'stop' | 'complete'>();
  readonly calls = new BrokeredCalls();
  readonly policies = new PolicyBook();
  readonly responders = new ResponderBook();

  check(event: Event, report: ReportFinding): void {
    if (!FOLLOW.has(event.type)) this.overdue(report, event.type);
    const handler = HANDLERS[event.type] as ((book: Rulebook, event: Event, report: ReportFinding) => void) | undefined;
    handler?.(this, event, report);
    if (isOutcome(event)) this.outcome(event, report);
    if (isDecision(event)) this.policies.decided(event, report);
    this.responders.check(event, this.policies.version, report);
  }

  /** Reports ends and suspensions that did not follow. Also call it after the last event. */
  overdue(report: ReportFinding, next?: Event['type']): void {
    if (next !== 'ActionCalled') this.calls.overdue(report);
    for (const [id, what] of this.due)
      report(
        what === 'complete' ? 'liveness' : 'budget',
        `${id} was ${CAUSES[what]} by the event before, but did not ${what === 'stop' ? 'stop' : 'end'} with it`,
      );
    this.due.clear();
  }

  /** Records a suspension, which is enough for a grant that was overrun from below, but not for one that was used up. */
  stopped(id: string): void {
    if (this.due.get(id) === 'stop') this.due.delete(id);
  }

  permit(event: EventOf<'ActionPermitted'>, report: ReportFinding): void {
    const { books } = this;
    const now = at(event.time);
    const { data } = event;
    const id = event.actionId ?? event.id;
    if (books.permitted.has(id)) report('custody', `${id} is permitted a second time`);
    const chain = books.chain(event.grantId);
    if (!chain) return report('custody', `the chain of grants above ${event.grantId ?? 'no grant'} is incomplete`);
    const leaf = chain[0] as Grant;
    if (leaf.id !== event.grantId) report('custody', `${event.grantId ?? ''} was superseded by ${leaf.id}`);
    linked(chain, event, report);
    const dead = books.dead(chain, now);
    if (dead !== undefined) report('liveness', `permitted although ${dead}`);
    const facts = recordedFacts(data, leaf.run.agent);
    const asks = admitted(chain, event, facts, now, report);
    permittedUnder(this.policies, chain, event, facts, report);
    const names = [data.verb, ...(data.tool === undefined ? [] : [normalizeTool(data.tool)])];
    const rule = books.toolStruck(
      chain,
      (tool) => names.includes(normalizeTool(tool)),
      (pattern) => matchesVerb(pattern, data.verb),
      now,
    );
    if (rule !== undefined) report('revocation', `the tool ${data.tool ?? data.verb} was revoked by ${rule}`);
    if (data.approvalId !== undefined) this.use(data.approvalId, event, data.binding, report);
    else if (asks !== undefined) report('approval', `permitted without an approval, although ${asks}`);

    this.calls.permit(books, event, leaf, report);
    const ends = endsOf(chain, event);
    if (canonicalize(ends) !== canonicalize(data.ends ?? []))
      report('attenuation', `the leases that end with ${id} are not those that it names`);
    const { charge, verb, periods } = data;
    const entry: Permit = {
      id,
      grantId: leaf.id,
      runId: leaf.run.id,
      callsAgent: data.resource.type === 'agent' ? data.resource.id : undefined,
      position: event.position,
      ends,
      charge,
      at: now,
      verb,
      periods,
    };
    books.conduct(leaf.run.id).denials = 0;
    const accounts = chain.map(({ account }) => account);
    const before = accounts.map((account) => account.totals(entry));
    for (const [up, grant] of chain.entries()) {
      const charged = grant.account.charge(entry, before[up], accounts.slice(0, up));
      const { over, usedUp } = charged;
      const entries = grant.entries.charge(entry, facts, situationOf(grant, leaf, event));
      if (entries.over !== undefined) report('budget', `permitted although ${entries.over} under ${grant.id}`);
      if (entries.asks !== undefined && asks === undefined && data.approvalId === undefined)
        report('approval', `permitted without an approval, although ${entries.asks} under ${grant.id}`);
      if (charged.asks !== undefined && asks === undefined && data.approvalId === undefined)
        report('approval', `permitted without an approval, although ${charged.asks} under ${grant.id}`);
      if (over !== undefined) report('budget', `permitted although ${over} of ${grant.id}`);
      if (usedUp) this.due.set(grant.id, 'end');
    }
    const root = (chain[chain.length - 1] as Grant).run;
    books.purses.charge(id, entry, root, event, (detail) => report('budget', detail));
    books.permitted.add(id);
    books.open.set(id, entry);
  }

  private outcome(event: Parameters<typeof isOutcome>[0], report: ReportFinding): void {
    if (!isOutcome(event)) return;
    const { books } = this;
    const id = event.actionId ?? '';
    const permit = books.open.get(id);
    if (!permit)
      return report(
        'custody',
        books.permitted.has(id) ? `${id} has two outcomes` : `an outcome of ${id}, which was not permitted`,
      );
    if (permit.runId !== event.runId) report('custody', `another run reported the outcome of ${id}`);
    books.open.delete(id);
    if (event.type === 'ActionAbandoned') books.abandoned.set(id, permit.runId);
    if (event.type === 'ActionAbandoned' && permit.ends.length > 0) books.abandonedEnds.set(id, permit);
    const { charge } = event.data;
    books.purses.settle(id, permit, charge, at(event.time));
    const unaccounted = unaccountedOf(event as EventOf<'ActionCompleted'>);
    if (unaccounted !== undefined) report('budget', `the outcome of ${id}: ${unaccounted}`);
    const reserved = amountsOf(permit.charge);
    const over = Object.entries(amountsOf(event.data)).some(([name, value]) => value > (reserved[name] ?? 0));
    const chain = books.chain(permit.grantId) ?? [];
    const before = chain.map(({ account }) => account.totals({ charge }));
    chain.forEach((grant, up) => {
      const used = grant.account.settle(permit, charge, at(event.time), before[up]);
      grant.entries.settle(permit, charge);
      if (grant.ended !== undefined) return;
      if ((over && up === 0) || used === 'reached') this.due.set(grant.id, 'end');
      else if (used === 'exceeded' && (!grant.suspended || grant.heldBy !== undefined)) this.due.set(grant.id, 'stop');
    });
    if (event.type === 'ActionCompleted') this.completes(endedBy(books, permit));
  }

  /** Expects grants to end with a completed action. One that it uses up ends for that. */
  completes(grants: readonly Grant[]): void {
    for (const { id } of grants) if (this.due.get(id) !== 'end') this.due.set(id, 'complete');
  }

  /** Records the completion of a run, which ends its grant. */
  completed({ grantId, runId }: Event): void {
    this.books.runEnded(runId);
    const grant = this.books.standing(grantId);
    if (!grant) return;
    grant.ended ??= 'is completed';
    grant.account.end();
    if (this.due.get(grant.id) === 'complete') this.due.delete(grant.id);
  }

  /** I8: checks that an approval was given by a person, for exactly this use, in time, and not used before. */
  use(id: string, event: Event, binding: string | undefined, report: ReportFinding): void {
    const asked = this.books.approvals.get(id);
    if (!asked) return report('approval', `${id} was never requested`);
    if (asked.state !== 'approved') return report('approval', `${id} is ${asked.state}`);
    const { data, runId } = asked.event;
    if (runId !== event.runId) report('approval', `${id} was given to ${runId ?? 'no run'}`);
    const { standing } = asked;
    const fits = standing ? isCovered(event, standing) : data.binding === binding;
    if (binding !== undefined && (data.kind !== 'action' || !fits))
      report('approval', `${id} was given for another call`);
    if (asked.usableUntil !== undefined && at(event.time) >= asked.usableUntil)
      report('approval', `${id} was not used in time`);
    if (!standing) asked.state = 'used';
  }

  issue(event: EventOf<'GrantIssued'>, report: ReportFinding): void {
    const { books } = this;
    const { parentId, supersedes, limits, approvalId, depth, beyond } = event.data;
    const id = event.grantId ?? event.id;
    const run = books.runs.get(event.runId ?? '');
    if (!run) return report('custody', `a grant of the unknown run ${event.runId ?? '(none)'}`);
    const now = at(event.time);
    const old = supersedes === undefined ? undefined : books.grants.get(supersedes);
    const parent = books.standing(parentId);
    for (const from of [supersedes, parentId]) {
      const chain = from === undefined ? [] : books.chain(from);
      const dead = chain && books.dead(chain, now);
      if (dead !== undefined) report('liveness', `issued although ${dead}`);
      if (!chain) report('custody', `the chain of grants above ${from ?? ''} is incomplete`);
    }
    if (parent)
      below(parent, event, { raised: old !== undefined, live: books.openChildren.count(parent.run.id) }, report);
    else if (depth !== 0) report('custody', `a root grant at depth ${depth}`);
    if (run.parentRunId !== parent?.run.id)
      report('custody', `its parent is not the grant of ${run.parentRunId ?? 'no run'}`);
    const approver = event.data.approvedBy ?? old?.approver;
    const rule = books.quarantine(run, { limits, approver }, now);
    if (rule !== undefined) report('revocation', `issued under the quarantine ${rule}`);
    const struck = books.strikesIssued(run, { limits, approver });
    if (struck !== undefined) report('revocation', `issued although ${struck} had revoked the requested grant`);
    issuedUnder(this.policies, run.agent.class, event, report);
    if (supersedes !== undefined && approvalId === undefined) report('approval', 'raised without an approval');
    if (approvalId !== undefined) {
      const asked = books.approvals.get(approvalId);
      this.use(approvalId, event, undefined, report);
      const given = asked?.less ?? asked?.event.data.limits;
      if (asked && (asked.event.data.kind === 'action' || canonicalize(given) !== canonicalize(limits)))
        report('approval', `${approvalId} was given for another lease`);
    } else if (parent && !old && books.chain(parentId)?.some((grant) => grant.limits.delegation.ask))
      report('approval', `a child of ${parent.id} without an approval, and its lease requires one`);
    const above = limits.budget.reserve && parentId !== undefined ? (books.chain(parentId) ?? []) : [];
    const before = above.map(({ account }) => account.standing());
    old?.account.raise(limits.budget);
    old?.entries.raise(limits);
    if (old) Object.assign(books.conduct(run.id), { denials: 0 });
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
      approver,
      beyond,
      account: old?.account ?? new Account(limits.budget, parent?.account),
      entries: old?.entries ?? new EntryBook(limits),
      ended: undefined,
      struck: undefined,
      suspended: false,
      heldBy: undefined,
      supersededBy: undefined,
      children: old?.children ?? 0,
      rulesSeen: books.rules.length,
    });
    // I3: what is set aside for it must have been left in each lease above
    above.forEach((grant, i) => {
      const over = grant.account.overdrawn(before[i] ?? new Map());
      for (const each of over) report('budget', `set aside although ${each} of ${grant.id}`);
    });
  }

  end(event: Event, why: string, report: ReportFinding): void {
    const grant = this.books.grants.get(event.grantId ?? '');
    if (!grant) return report('custody', `${event.grantId ?? 'no grant'} is unknown`);
    grant.ended = why;
    this.books.runEnded(event.runId);
    grant.account.end();
    this.due.delete(grant.id);
  }
}

/** The events that end or suspend a grant after an event that requires it, in the same append. */
const FOLLOW: ReadonlySet<Event['type']> = new Set<Event['type']>(['GrantExhausted', 'GrantSuspended', 'RunCompleted']);
const CAUSES = { end: 'used up', stop: 'overrun', complete: 'to end with the action that was completed' } as const;

const HANDLERS: { readonly [T in Event['type']]?: (book: Rulebook, event: EventOf<T>, report: ReportFinding) => void } =
  {
    RunOpened({ books }, { runId = '', treeId, data, position, time }, report) {
      if (books.runs.has(runId)) return report('custody', `${runId} is opened twice`);
      const { agent, principalRef, purposeRef, parentRunId } = data;
      const above = parentRunId === undefined ? undefined : books.runs.get(parentRunId);
      if (parentRunId !== undefined && above?.treeId !== treeId)
        report('custody', `${parentRunId} is not a run of the same tree`);
      if (above && above.principalRef !== principalRef)
        report('custody', 'a child run with another principal than its parent');
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
      books.openChildren.opened(runId, parentRunId);
    },
    GrantIssued: (book, event, report) => book.issue(event, report),
    ActionPermitted: (book, event, report) => book.permit(event, report),
    ActionCalled: ({ books, calls }, event, report) => calls.named(books, event, report),
    OutcomeReportedLate(book, { actionId = '', runId, data }, report) {
      const { books } = book;
      if (books.abandoned.get(actionId) !== runId)
        report('custody', `a late report on ${actionId}, which was not abandoned, or was already reported`);
      books.abandoned.delete(actionId);
      const permit = books.abandonedEnds.get(actionId);
      books.abandonedEnds.delete(actionId);
      const named = permit?.ends.flatMap((id) => books.standing(id) ?? []) ?? [];
      if (data.status === 'completed') book.completes(named.filter(({ ended }) => ended === undefined));
    },
    GrantSuperseded({ books }, event, report) {
      const [old, by] = [books.grants.get(event.grantId ?? ''), books.grants.get(event.data.by)];
      if (!old || old.run.id !== by?.run.id || old === by)
        return report('custody', 'superseded by a grant that does not raise it');
      old.supersededBy = by.id;
      old.ended = `is superseded by ${by.id}`;
    },
    GrantSuspended(book, event, report) {
      checkSuspension(book.books, event, report);
      book.stopped(event.grantId ?? '');
    },
    GrantResumed: ({ books }, event, report) => checkResumption(books, event, report),
    GrantRevoked(book, event, report) {
      const grant = book.books.grants.get(event.grantId ?? '');
      if (grant) checkPower(book.books, event, grant, report);
      book.end(event, 'is revoked', report);
    },
    GrantExpired: (book, event, report) => book.end(event, 'is expired', report),
    GrantExhausted: (book, event, report) => book.end(event, 'is exhausted', report),
    RunCompleted: (book, event) => book.completed(event),
    GrantRenewed: ({ books }, event, report) => checkRenewal(books, event, report),
    GrantNarrowed: ({ books }, event, report) => checkNarrowing(books, event, report),
    ActionDenied({ books }, { runId }) {
      books.conduct(runId).denials += 1;
    },
    DriftScored({ books }, { runId, data }) {
      const conduct = books.conduct(runId);
      conduct.drift = Math.max(conduct.drift, data.score);
    },
    ApprovalRequested({ books }, event, report) {
      const { approvalId } = event.data;
      if (books.approvals.has(approvalId)) return report('approval', `${approvalId} is requested twice`);
      books.approvals.set(approvalId, { event, state: 'asked', usableUntil: undefined, less: undefined });
    },
    ApprovalAnswered({ books }, { data, actor, time }, report) {
      const asked = books.approvals.get(data.approvalId);
      if (asked?.state !== 'asked') return report('approval', `${data.approvalId} is answered, but is not pending`);
      if (actor.kind === 'run' || actor.kind === 'system')
        report('approval', `${data.approvalId} is not answered by a person`);
      if (at(time) >= at(asked.event.data.expiresAt)) report('approval', `${data.approvalId} is answered too late`);
      if (data.limits && isMore(data.limits, asked.event.data.limits))
        report('approval', `${data.approvalId} is given for more than was asked for`);
    },
    ApprovalWithdrawn({ books }, { data, actor, runId }, report) {
      const asked = books.approvals.get(data.approvalId);
      const isWaiting = asked?.state === 'asked' && asked.event.data.kind === 'action';
      if (!isWaiting && (asked?.state !== 'approved' || !asked.standing))
        return report('approval', `${data.approvalId} is withdrawn, but covers no calls`);
      if (actor.kind === 'run' && (!isWaiting || actor.id !== asked.event.runId || actor.id !== runId))
        report('approval', `${data.approvalId} is withdrawn by ${actor.id}, which did not ask for it`);
      asked.state = 'withdrawn';
    },
    ApprovalGiven({ books }, { data, actor, time }, report) {
      const asked = books.approvals.get(data.approvalId);
      if (asked?.state !== 'asked') return report('approval', `${data.approvalId} is answered, but is not pending`);
      if (actor.kind === 'run' || actor.kind === 'system')
        report('approval', `${data.approvalId} is not answered by a person`);
      if (at(time) >= at(asked.event.data.expiresAt)) report('approval', `${data.approvalId} is answered too late`);
      if (data.verdict === 'approve' && actor.kind === 'person' && asked.event.actor.id === actor.id)
        report('approval', `${data.approvalId} is approved by ${actor.id}, who asked for it`);
      asked.state = data.verdict === 'approve' ? 'approved' : 'denied';
      if (data.scope !== undefined) asked.standing = data;
      asked.less = data.limits;
      if (data.limits && isMore(data.limits, asked.event.data.limits))
        report('approval', `${data.approvalId} is given for more than was asked for`);
      if (data.verdict === 'deny' && asked.event.data.kind === 'grant') books.runEnded(asked.event.runId);
      asked.usableUntil = data.usableUntil === undefined ? undefined : at(data.usableUntil);
    },
    ApprovalExpired({ books }, { data }, report) {
      const asked = books.approvals.get(data.approvalId);
      if (asked?.state !== 'asked') return report('approval', `${data.approvalId} expires, but is not pending`);
      asked.state = 'expired';
      if (asked.event.data.kind === 'grant') books.runEnded(asked.event.runId);
    },
    RevocationRuleAdded({ books }, { data, position, time }) {
      const { issuedBefore } = data.selector;
      const before = issuedBefore === undefined ? undefined : at(issuedBefore);
      const { revocationId, selector, quarantine } = data;
      const target = data.target === 'tool' ? 'tool' : undefined;
      const suspends = data.mode === 'suspend' ? true : undefined;
      const until = data.until === undefined ? undefined : at(data.until);
      const rule = { revocationId, selector, target, suspends, until, quarantine, position, time: at(time) } as const;
      const kept: Rule = { ...rule, issuedBefore: before, lifted: undefined, resumed: undefined };
      books.rules.push(kept);
      if (suspends) books.suspensions.push(kept);
    },
    TenantBudgetSet({ books }, { data, actor }, report) {
      if (actor.kind === 'run') report('budget', `a run set the tenant budget ${data.name}`);
      books.purses.set(data);
    },
    TenantBudgetRemoved({ books }, { data, actor }, report) {
      if (actor.kind === 'run') report('budget', `a run removed the tenant budget ${data.name}`);
      if (!books.purses.remove(data))
        report('budget', `the tenant budget ${data.name}, which does not exist, is removed`);
    },
    PolicyPart: ({ policies }, event) => policies.part(event),
    PolicyDeployed: ({ policies }, event, report) => policies.deployed(event, report),
    PolicyShadowed: ({ policies }, event, report) => policies.shadowed(event, report),
    QuarantineLifted({ books }, { data }) {
      for (const rule of books.rules) if (rule.revocationId === data.revocationId) rule.quarantine = false;
    },
    SuspensionLifted({ books }, { data: { revocationId }, actor, position, time }, report) {
      const rule = books.suspensions.find((each) => each.revocationId === revocationId);
      if (!rule) return report('liveness', `${revocationId} is no suspension that could be lifted`);
      const isOver = rule.until !== undefined && at(time) >= rule.until;
      if (actor.kind === 'run' || (actor.kind === 'system' && !isOver))
        report('liveness', 'lifted by neither a person nor its time');
      rule.resumed ??= { position, time: at(time) };
    },
  };

/** Reports whether an approval of more than one call covers a permit. */
function isCovered(event: Event, { scope, covers }: EventOf<'ApprovalGiven'>['data']): boolean {
  if (event.type !== 'ActionPermitted' || covers === undefined) return false;
  const { verb, tool, resource } = event.data;
  const isOn = scope === 'run' || resource.id === covers.resource.id;
  return verb === covers.verb && tool === covers.tool && resource.type === covers.resource.type && isOn;
}
