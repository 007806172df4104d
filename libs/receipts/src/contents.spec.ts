import { act, REF, ROOMY } from '@bailiwick/authority/testing/harness';
import { RUN_RECEIPT, type RunStatement as Statement } from '@bailiwick/contracts/receipts/receipt';
import { sha256hex } from '@bailiwick/core/digest';
import { renderReceipt } from './render';
import { ARGS, busyRun } from './testing/busy-run';
import { makeStatement } from './envelope';
import { KINDS } from './kinds';
import {
  ANN,
  brokenAt,
  claimsOf,
  provedEvents,
  SealedLog,
  signed,
  statementOf,
  VKEY,
  words,
} from './testing/sealed-log';
import { summarise } from './summary';
import { readStory } from './story';
import { eventsOfReceipt } from './select';
import { verifyReceipt } from './verify';

const busy = busyRun();
const claims = claimsOf(busy.log, busy.runId);
const at = (position: number | undefined) => busy.log.events[position ?? -1];

describe('the receipt of a run', () => {
  it('states the requester, the purpose and the agent', () => {
    expect(claims).toMatchObject({
      run: { id: busy.runId, parentRunId: busy.rootId, startedAt: '2026-01-01T00:00:00.000Z' },
      agent: { class: 'repo-agent', instance: 'r-7' },
      purpose: 'Tidy the repository',
      task: 'Sort the files',
      requestedBy: 'ann@example.com',
      principalRef: REF,
    });
  });

  it('lists every permitted action with its tool, resource, outcome and cost', () => {
    expect(
      claims.actions.map(({ verb, tool, resource, outcome, cost }) => [
        verb,
        tool,
        `${resource.type} ${resource.id}`,
        outcome,
        cost,
      ]),
    ).toEqual([
      ['file.read', 'fs', 'file a/b', 'completed', {}],
      ['file.write', undefined, 'file src/x.ts', 'completed', { USD: 20 }],
      ['email.send', undefined, 'mailbox bob', 'completed', { USD: 5 }],
      ['file.read', undefined, 'file a/b', 'failed', {}],
      ['thing.delete', undefined, 'thing t-1', 'completed', {}],
      ['file.read', undefined, 'file a/c', 'completed', {}],
      ['file.read', undefined, 'file a/d', 'completed', {}],
    ]);
    for (const action of claims.actions) {
      expect(at(action.position)).toMatchObject({ type: 'ActionPermitted', actionId: action.id });
      expect(at(action.outcomePosition)).toMatchObject({
        type: `Action${action.outcome === 'failed' ? 'Failed' : 'Completed'}`,
        actionId: action.id,
      });
    }
    expect(claims.actions[4]).toMatchObject({
      argsDigest: ARGS,
      approvalId: claims.approvals[1]?.id,
      effect: 'write',
      risk: 'high',
    });
  });

  it('lists resources, changed files and external systems, including those reported with the outcome', () => {
    expect(claims.resources).toEqual([
      'file a/b',
      'file a/c',
      'file a/d',
      'file src/x.ts',
      'file src/y.ts',
      'mailbox bob',
      'thing t-1',
    ]);
    expect(claims.filesChanged).toEqual(['src/x.ts', 'src/y.ts']);
    expect(claims.external).toEqual(['smtp.example.com']);
  });

  it('lists the approvals with verdict, approver and note', () => {
    expect(claims.approvals.map(({ kind, verdict, by, note }) => [kind, verdict, by, note])).toEqual([
      ['grant', 'approve', 'person:ann', 'for today'],
      ['action', 'approve', 'person:ann', 'only t-1'],
      ['escalation', 'approve', 'person:ann', null],
    ]);
    expect(claims.escalations).toMatchObject([{ approvalId: claims.approvals[2]?.id, reason: 'there are more files' }]);
  });

  it('lists denied and stepped-up actions with every reason', () => {
    expect(claims.denied.map(({ verb, decision }) => [verb, decision])).toEqual([
      ['iam.role.grant', 'deny'],
      ['thing.delete', 'step-up'],
    ]);
    expect(claims.denied[0]?.reasons).toContain('iam.role.grant is denied by iam.*');
    expect(claims.denied[1]?.reasons).toContain('thing.delete is of high risk; from high on a person is asked');
    expect(claims.delegationsRefused).toMatchObject([{ agentClass: 'greedy', code: 'GRANT_WIDENS_PARENT' }]);
    expect(claims.delegationsRefused[0]?.detail).toContain('budget.calls');
  });

  it('lists its leases, revocations and children, and its drift', () => {
    expect(claims.grants.map(({ id, runId, depth, supersedes }) => [id, runId, depth, supersedes])).toEqual([
      [expect.any(String), busy.rootId, 0, undefined],
      [busy.grantId, busy.runId, 1, undefined],
      [busy.raisedId, busy.runId, 1, busy.grantId],
    ]);
    expect(claims.grants.map(({ limits }) => limits.budget.calls)).toEqual([100, 50, 90]);
    expect(claims.revoked).toMatchObject([
      { revocationId: busy.log.last('RevocationRuleAdded').data.revocationId, reason: 'revoked by person:ann' },
    ]);
    expect(claims.children).toMatchObject([
      {
        runId: busy.childId,
        agentClass: 'helper',
        task: 'Count the files',
        receipt: `/v1/runs/${busy.childId}/receipt`,
      },
    ]);
    expect(claims.drift).toEqual({ highest: 0.9, scores: 1 });
  });

  it('states what it does not prove', () => {
    for (const part of ['was reported', 'outside this system', 'understood', 'redacted', 'no other log', 'left out']) {
      expect(claims.doesNotProve.some((line) => line.includes(part))).toBe(true);
    }
  });

  it('contains no events of other runs except its ancestors and children', () => {
    const { events } = statementOf(busy.log, busy.runId).predicate;
    const runs = new Set(events.map(({ body }) => (JSON.parse(body) as { runId?: string }).runId));
    expect([...runs].sort()).toEqual([busy.rootId, busy.runId, busy.childId, undefined].sort());
    const others = events.filter(({ body }) => body.includes(busy.childId) && !body.includes(busy.runId));
    expect(others.map(({ body }) => (JSON.parse(body) as { type: string }).type)).toEqual(['GrantIssued']);
  });

  it('identifies its subject by the digest of the opening of the run', () => {
    const { subject, predicate } = statementOf(busy.log, busy.runId);
    const opening = predicate.events.find(
      ({ body }) => body.includes('"RunOpened"') && (JSON.parse(body) as { runId: string }).runId === busy.runId,
    );
    expect(subject).toEqual([{ name: busy.runId, digest: { sha256: sha256hex(opening?.body ?? '') } }]);
  });
});

describe('the amounts of a receipt', () => {
  it('equal the counters of its grant', () => {
    const usage = busy.log.state.grants.get(busy.raisedId)?.usage;
    const child = claimsOf(busy.log, busy.childId).spent;
    expect(usage?.committed.calls).toBe(claims.spent.calls + child.calls);
    expect(usage?.committed.reads).toBe(claims.spent.reads + child.reads);
    expect(usage?.committed).toMatchObject({
      writes: claims.spent.writes,
      external: claims.spent.external,
      cost: claims.spent.cost,
    });
  });

  it('are the reserved amounts while an action is open, and the settled ones afterwards', () => {
    const log = new SealedLog();
    const { runId, grantId } = log.open({ ...ROOMY, budget: { ...ROOMY.budget, cost: { USD: 100, EUR: 100 } } });
    const { actionId } = act(log, grantId, 'file.write', { cost: { USD: 30, EUR: 5 } });
    expect(claimsOf(log, runId)).toMatchObject({
      spent: { calls: 1, writes: 1, cost: { USD: 30, EUR: 5 } },
      actions: [{ outcome: 'open', cost: { USD: 30, EUR: 5 } }],
    });
    log.do('settle', { actionId: actionId as string, outcome: { status: 'failed', cost: { USD: 7 } } });
    expect(claimsOf(log, runId).spent).toEqual({ calls: 1, reads: 0, writes: 1, external: 0, cost: { USD: 7 } });
  });

  it('are the reserved amounts if an action is abandoned', () => {
    const log = new SealedLog();
    const { runId, grantId } = log.open();
    act(log, grantId, 'file.write', { cost: { USD: 30 } });
    log.now += 21 * 60_000;
    log.tickAll();
    expect(claimsOf(log, runId)).toMatchObject({
      spent: { cost: { USD: 30 } },
      actions: [{ outcome: 'abandoned', cost: { USD: 30 } }],
    });
  });
});

describe('a receipt with withheld payloads', () => {
  const withheld = (statement: Statement): Statement => {
    const events = statement.predicate.events.map((each) => ({ ...each, payload: null }));
    const chosen = eventsOfReceipt(busy.runId, busy.log.story()).map((each) => ({ ...each, payload: null }));
    return { ...statement, predicate: { ...summarise(busy.runId, readStory(chosen)), events } };
  };

  it('verifies, and has null in place of the texts', () => {
    const verification = verifyReceipt(signed(withheld(statementOf(busy.log, busy.runId))), VKEY);
    expect(brokenAt(verification)).toBe('');
    expect(verification.statement?.predicate).toMatchObject({
      purpose: null,
      requestedBy: null,
      escalations: [{ reason: null }],
      spent: claims.spent,
    });
    expect(verification.statement?.predicate).not.toHaveProperty('task');
    expect(verification.steps.find((step) => step.name.startsWith('every payload'))?.detail).toMatch(
      /^0 shown, [1-9]\d* erased/,
    );
  });
});

describe('renderReceipt', () => {
  it('shows actions, denials, spending, revocations and the end of the run', () => {
    const text = renderReceipt(claims).join('\n');
    for (const part of [
      'repo-agent r-7',
      'ann@example.com',
      '3 × file.read completed',
      'thing.delete (step-up)',
      '7 calls, 4 reads, 2 writes, 1 external, 0.25 USD',
      'src/x.ts, src/y.ts',
      'smtp.example.com',
      'completed: the run reported',
    ]) {
      expect(text).toContain(part);
    }
    const log = new SealedLog();
    expect(renderReceipt(claimsOf(log, log.open().runId)).join('\n')).toContain('ended     not yet');
  });
});

describe('a receipt with erased payloads', () => {
  const log = new SealedLog();
  const { runId, grantId, treeId } = log.open();
  act(log, grantId, 'file.read', { payload: words({ args: { path: 'a/b' } }) });
  log.do('completeRun', { runId });
  const found = { before: log.events.length, runs: 1, payloads: 2 };
  log.do('erase', { subjectRef: REF, found, actor: ANN, payload: words({ reason: 'requested by the person' }) });
  const at = log.events.length - 1;
  const other = log.open(ROOMY, { principalRef: `ref_${'9'.repeat(26)}` });
  /** the entries of the log after the erasure: without the payloads of the tree */
  const left = log.entries().map((entry) => (entry.event.treeId === treeId ? { ...entry, payload: null } : entry));
  const receipt = (id: string, entries = left): Statement => {
    const chosen = KINDS[RUN_RECEIPT].select(id, readStory(entries));
    const kept = new Map(entries.map(({ event, payload }) => [event.position, payload]));
    const events = provedEvents(log, chosen).map((each) =>
      kept.get(each.position) === null ? { ...each, payload: null } : each,
    );
    return makeStatement(summarise(id, readStory(chosen)), events);
  };

  it('verifies, contains the erasure, and attributes each missing payload to it', () => {
    const { predicate } = receipt(runId);
    expect(brokenAt(verifyReceipt(signed(receipt(runId)), VKEY))).toBe('');
    expect(predicate.events.map(({ position }) => position)).toContain(at);
    expect(predicate.absent.map(({ type, erasedAt }) => [type, erasedAt])).toEqual([
      ['RunOpened', at],
      ['ActionPermitted', at],
    ]);
    expect(predicate).toMatchObject({ purpose: null, requestedBy: null, spent: { calls: 1 } });
  });

  it('does not verify if it attributes a gap to the wrong erasure, or claims that a withheld payload was erased', () => {
    const claim = (id: string, entries: typeof left, change: (copy: Statement) => void): string => {
      const copy = receipt(id, entries);
      change(copy);
      return brokenAt(verifyReceipt(signed(copy), VKEY));
    };
    expect(claim(runId, left, ({ predicate }) => (predicate.absent = []))).toMatch(/^the claims .* absent /);
    expect(claim(runId, left, ({ predicate }) => (predicate.absent[0]!.erasedAt = at - 1))).toMatch(/ absent /);
    const withheld = log.entries().map((entry) => ({ ...entry, payload: null }));
    expect(receipt(other.runId, withheld).predicate.absent).toEqual([{ position: at + 1, type: 'RunOpened' }]);
    expect(claim(other.runId, withheld, ({ predicate }) => (predicate.absent[0]!.erasedAt = at))).toMatch(/ absent /);
  });
});
