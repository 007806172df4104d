import { act, only, REF, ROOMY } from '@bailiwick/authority/testing/harness';
import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import { ANN, SealedLog, words } from './sealed-log';

export const ARGS = `sha256:${'a'.repeat(64)}`;
const WIDE: GrantRequest = {
  ...ROOMY,
  actions: { allow: ['*'], deny: ['iam.*'] },
  purpose: { onDrift: { stepUpAt: 0.6, suspendAt: 0.85 } },
};

export interface Busy {
  readonly log: SealedLog;
  readonly runId: string;
  readonly rootId: string;
  readonly grantId: string;
  readonly raisedId: string;
  readonly childId: string;
}

/**
 * Builds a log with a child run to which nearly everything happens: its root lease needs an approval; it reads, writes,
 * sends, fails, is denied, steps up, is raised, drifts, is suspended and resumed, delegates, is refused, and completes;
 * a rule strikes one of its children.
 */
export function busyRun(): Busy {
  const log = new SealedLog();
  const root = log.open(WIDE, {
    requireApproval: true,
    agent: { class: 'orchestrator', instance: 'o-1', posture: { modelVersion: 'm-1' } },
  });
  const given = log.do('decideApproval', {
    approvalId: log.last('ApprovalRequested').data.approvalId,
    verdict: 'approve',
    actor: ANN,
    payload: words({ note: 'for today' }),
  });
  const rootGrant = only(given, 'GrantIssued').grantId as string;
  const other = log.open(ROOMY, { agent: { class: 'stranger' } });
  const mine = log.child(
    rootGrant,
    { budget: { calls: 50 }, delegation: { depth: 1, children: 3, classes: ['*'] } },
    { agent: { class: 'repo-agent', instance: 'r-7' }, payload: words({ task: 'Sort the files' }) },
  );
  const done = (verb: string, more: object, outcome: object = {}): void => {
    const { actionId } = act(log, mine.grantId, verb, more);
    log.do('settle', {
      actionId: actionId as string,
      outcome: { status: 'completed', ...outcome },
      payload: words({ preview: 'done' }),
    });
  };
  done(
    'file.read',
    { action: { verb: 'file.read', tool: 'fs' }, payload: words({ args: { path: 'a/b' } }) },
    { labels: ['untrusted'] },
  );
  done(
    'file.write',
    { resource: { type: 'file', id: 'src/x.ts' }, cost: { USD: 30 } },
    { cost: { USD: 20 }, effects: { filesChanged: ['src/x.ts', 'src/y.ts'], resources: ['file src/y.ts'] } },
  );
  done(
    'email.send',
    { resource: { type: 'mailbox', id: 'bob' }, cost: { USD: 5 } },
    { effects: { external: ['smtp.example.com'] } },
  );
  log.now += 1_000;
  act(log, other.grantId, 'file.read');
  log.do('settle', { actionId: act(log, mine.grantId, 'file.read').actionId as string, outcome: { status: 'failed' } });
  act(log, mine.grantId, 'iam.role.grant');
  // an approved call; the approval is used once
  const risky = { action: { verb: 'thing.delete', argsDigest: ARGS }, resource: { type: 'thing', id: 't-1' } };
  act(log, mine.grantId, 'thing.delete', risky);
  const { approvalId } = log.last('ApprovalRequested').data;
  log.do('decideApproval', { approvalId, verdict: 'approve', actor: ANN, payload: words({ note: 'only t-1' }) });
  done('thing.delete', { ...risky, approvalId });
  // drift, then a resume by a person
  log.do('recordDrift', {
    runId: mine.runId,
    score: 0.9,
    features: [],
    monitor: 'test',
    actor: { kind: 'system', id: 'intent' },
  });
  log.do('resume', { grantId: mine.grantId, reasonCode: 'LOOKED', actor: ANN, payload: words({ note: 'it is fine' }) });
  // a child
  const child = log.child(mine.grantId, { budget: { calls: 5 } });
  act(log, child.grantId, 'file.read');
  log.do('delegate', {
    grantId: mine.grantId,
    agent: { class: 'greedy' },
    purposeRef: REF,
    grant: { budget: { calls: 5_000 } },
  });
  // the first escalation is refused because it asks for less; the second raises the lease
  log.do('escalate', { runId: mine.runId, want: { budget: { calls: 40 } } });
  log.do('escalate', {
    runId: mine.runId,
    want: { budget: { calls: 90 } },
    actor: { kind: 'run', id: mine.runId },
    payload: words({ reason: 'there are more files' }),
  });
  const raised = only(
    log.do('decideApproval', {
      approvalId: log.last('ApprovalRequested').data.approvalId,
      verdict: 'approve',
      actor: ANN,
    }),
    'GrantIssued',
  );
  done('file.read', { resource: { type: 'file', id: 'a/c' } });
  log.strike({ agentClass: 'helper' });
  act(log, raised.grantId as string, 'file.read', { resource: { type: 'file', id: 'a/d' } });
  log.now += 60_000;
  log.do('completeRun', { runId: mine.runId, actor: { kind: 'run', id: mine.runId } });
  log.do('revokeGrant', { grantId: rootGrant, actor: ANN, payload: words({ note: 'enough' }) });
  log.do('settle', { actionId: log.last('ActionPermitted').actionId as string, outcome: { status: 'completed' } });
  return {
    log,
    runId: mine.runId,
    rootId: root.runId,
    grantId: mine.grantId,
    raisedId: raised.grantId as string,
    childId: child.runId,
  };
}
