import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import { readCommand, type Command } from '@bailiwick/contracts/commands/command';
import {
  act,
  delegateTestRun,
  only,
  openTestRun,
  REF,
  ROOMY,
  TestLog,
  type Fields,
} from '@bailiwick/authority/testing/harness';

/**
 * Faults that users of comparable systems reported, tried on the rules of this one, which withstood them. Each title
 * names the report; `docs/field-cases.md` lists them together with the cases that needed a fix.
 */
const PERSON = { kind: 'person', id: 'key:approver', role: 'approver' } as const;
const DIGEST = `sha256:${'a'.repeat(64)}`;
const OTHER = `sha256:${'b'.repeat(64)}`;

const codes = (event: ReturnType<typeof act>): string[] =>
  JSON.stringify(event.data.reasons).match(/"code":"([A-Z_]+)"/g) ?? [];
const refusalOf = (result: ReturnType<TestLog['try']>): string | undefined =>
  'refusal' in result
    ? result.refusal.code
    : (result.events.find(({ type }) => type === 'Refused')?.data as { code?: string })?.code;

describe('budgets', () => {
  const spend = (log: TestLog, grantId: string, USD: number) => act(log, grantId, 'file.read', { cost: { USD } });

  it('are reserved before the call, so concurrent calls cannot pass one check together (BerriAI/litellm#34732)', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ROOMY, budget: { ...ROOMY.budget, cost: { USD: 10 } } });
    const decided = Array.from({ length: 8 }, () => spend(log, grantId, 4).type);
    expect(decided.filter((type) => type === 'ActionPermitted')).toHaveLength(2);
  });

  it('bind the very first calls of a run that no budget was named for (BerriAI/litellm#40095)', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { actions: { allow: ['*'] }, resources: [{ type: '*', match: '**' }] });
    expect(spend(log, grantId, 1_000_000_000).type).toBe('ActionDenied');
  });

  const ONE: [string, GrantRequest['budget']][] = [
    ['calls', { calls: 1 }],
    ['reads', { reads: 1 }],
    ['cost', { cost: { USD: 1 } }],
    ['a window', { windows: [{ per: '1h', calls: 1 }] }],
    ['a window of reads', { windows: [{ per: '1h', reads: 1 }] }],
  ];
  it.each(ONE)('are enforced if only %s is set (BerriAI/litellm#27381)', (_name, budget) => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ROOMY, budget: { ...ROOMY.budget, ...budget } });
    expect(spend(log, grantId, 1).type).toBe('ActionPermitted');
    expect(spend(log, grantId, 1).type).toBe('ActionDenied');
  });

  it('are never exceeded by splitting the spending over children (BerriAI/litellm#26672)', () => {
    const log = new TestLog();
    const root = openTestRun(log, { ...ROOMY, budget: { ...ROOMY.budget, cost: { USD: 10 } } });
    const children = Array.from({ length: 5 }, () => delegateTestRun(log, root.grantId).grantId);
    const permitted = children.filter((grantId) => spend(log, grantId, 4).type === 'ActionPermitted');
    expect(permitted).toHaveLength(2);
  });

  it.each([-1, 0.5, Number.MAX_SAFE_INTEGER, Number.NaN])(
    'accept no cost of %d, which would refund unused budget',
    (USD) => {
      const log = new TestLog();
      const { grantId } = openTestRun(log);
      const command = log.command('authorize', {
        grantId,
        action: { verb: 'file.read' },
        resource: { type: 'file', id: 'a' },
        cost: { USD },
        proof: { vouched: true },
      });
      const read = readCommand(JSON.parse(JSON.stringify(command)));
      if (read.success) expect(spend(log, grantId, USD).type).not.toBe('ActionPermitted');
    },
  );
});

describe('approvals', () => {
  const GRANT = { ...ROOMY, risk: { approvalFrom: 'medium' as const } };
  const edit = (id: string, argsDigest: string, more: Partial<Fields<'authorize'>> = {}) => ({
    action: { verb: 'file.write', argsDigest },
    resource: { type: 'file', id },
    ...more,
  });
  function approved() {
    const log = new TestLog();
    const run = openTestRun(log, GRANT);
    const asked = act(log, run.grantId, 'file.write', edit('a.txt', DIGEST));
    const { approvalId } = asked.data as { approvalId: string };
    log.do('decideApproval', { approvalId, verdict: 'approve', actor: PERSON });
    return { log, run, approvalId };
  }

  it('cover one call of a tool, not the tool (Agenta-AI/agenta#4854)', () => {
    const { log, run, approvalId } = approved();
    expect(act(log, run.grantId, 'file.write', edit('etc/shadow', DIGEST, { approvalId })).type).toBe('ActionDenied');
    expect(act(log, run.grantId, 'file.write', edit('a.txt', OTHER, { approvalId })).type).toBe('ActionDenied');
    expect(act(log, run.grantId, 'file.write', edit('a.txt', DIGEST, { approvalId })).type).toBe('ActionPermitted');
  });

  it('are used once (UKGovernmentBEIS/inspect_ai#4944)', () => {
    const { log, run, approvalId } = approved();
    act(log, run.grantId, 'file.write', edit('a.txt', DIGEST, { approvalId }));
    expect(act(log, run.grantId, 'file.write', edit('a.txt', DIGEST, { approvalId })).type).not.toBe('ActionPermitted');
  });

  it('are never given by the caller that needs them (microsoft/autogen#4894)', () => {
    const log = new TestLog();
    const run = openTestRun(log, GRANT);
    const asked = act(log, run.grantId, 'file.write', edit('a.txt', DIGEST));
    const { approvalId } = asked.data as { approvalId: string };
    const answer = log.try('decideApproval', {
      approvalId,
      verdict: 'approve',
      actor: { kind: 'run', id: run.runId },
    });
    expect(refusalOf(answer)).toBe('FORBIDDEN');
  });

  it('cannot be used by a sibling (OWASP Top 10 for agentic applications: identity and privilege abuse)', () => {
    const { log, run, approvalId } = approved();
    const sibling = delegateTestRun(log, run.grantId);
    const tried = act(log, sibling.grantId, 'file.write', edit('a.txt', DIGEST, { approvalId }));
    expect(tried.type).toBe('ActionDenied');
  });
});

describe('paths', () => {
  const reached = (match: string, id: string): string => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ROOMY, resources: [{ type: 'file', match }] });
    const result = log.try('authorize', {
      grantId,
      action: { verb: 'file.read' },
      resource: { type: 'file', id },
      proof: { vouched: true },
    });
    return 'refusal' in result ? result.refusal.code : (result.events.at(-1)?.type ?? '');
  };

  it.each([
    ['a parent folder (yzfly/mcp-python-interpreter#10)', 'work/../../etc/passwd'],
    ['a leading parent folder (wonderwhy-er/DesktopCommanderMCP#403)', '../etc/passwd'],
    ['a sibling folder with the same prefix (mavlink/MAVSDK#3069)', 'work_secret/key'],
    ['a sibling folder through a parent folder (mavlink/MAVSDK#3069)', 'work/../work_secret/key'],
    ['an encoded separator (CVE-2021-41773)', 'work/%2e%2e/etc/passwd'],
    ['a twice encoded separator (CVE-2021-42013)', 'work/%252e%252e/etc/passwd'],
    ['a backslash (CWE-29)', 'work\\..\\etc'],
    ['an overlong encoding (CVE-2000-0884)', 'work/%c0%af../etc'],
    ['a NUL (CWE-158)', 'work/a\0.txt'],
    ['a full-width dot', 'work/．．/etc'],
    ['an empty segment', 'work//etc'],
  ])('refuse %s', (_name, id) => {
    expect(reached('work/**', id)).not.toBe('ActionPermitted');
  });

  it('deny names below a denied name (BeehiveInnovations/pal-mcp-server#293)', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ROOMY, actions: { allow: ['*'], deny: ['production.*'] } });
    expect(act(log, grantId, 'production.read').type).toBe('ActionDenied');
    expect(act(log, grantId, 'production.db.table.drop').type).toBe('ActionDenied');
  });
});

describe('revocations', () => {
  const revoke = (log: TestLog, n: number, selector: Fields<'revokeSelector'>['selector']) =>
    log.do('revokeSelector', { revocationId: `rev_0_${String(n).repeat(26)}`, selector, force: true });

  it('apply to the very next decision: no cache has a time to live (Tr3kkR/Yuzu#2188, Basekick-Labs/arc#323)', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    expect(act(log, grantId, 'file.read').type).toBe('ActionPermitted');
    revoke(log, 1, { agentClass: 'worker' });
    expect(act(log, grantId, 'file.read').type).toBe('ActionDenied');
  });

  it('revoke leases issued since an earlier identical revocation (zalando-stups/planb-tokeninfo#60)', () => {
    const log = new TestLog();
    revoke(log, 1, { agentClass: 'worker' });
    const { grantId } = openTestRun(log);
    expect(act(log, grantId, 'file.read').type).toBe('ActionPermitted');
    revoke(log, 2, { agentClass: 'worker' });
    expect(act(log, grantId, 'file.read').type).toBe('ActionDenied');
  });

  it('revoke the leases derived from the revoked lease (openiddict/openiddict-core#600)', () => {
    const log = new TestLog();
    const root = openTestRun(log);
    const child = delegateTestRun(log, root.grantId, { delegation: { depth: 1, children: 1, classes: ['*'] } });
    log.do('revokeGrant', { grantId: root.grantId, actor: PERSON });
    expect(act(log, child.grantId, 'file.read').type).toBe('ActionDenied');
    const made = log.try('delegate', { grantId: child.grantId, agent: { class: 'x' }, purposeRef: REF, grant: {} });
    expect(refusalOf(made)).toBe('GRANT_NOT_LIVE');
  });

  it.each(['suspend', 'completeRun', 'revokeGrant'] as const)(
    'take effect at once, like every other end: %s (widgrensit/asobi#215)',
    (command) => {
      const log = new TestLog();
      const { grantId, runId } = openTestRun(log);
      const child = delegateTestRun(log, grantId);
      if (command === 'suspend') log.do('suspend', { grantId, reasonCode: 'LOOK', actor: PERSON });
      else if (command === 'completeRun') log.do('completeRun', { runId });
      else log.do('revokeGrant', { grantId, actor: PERSON });
      expect(act(log, child.grantId, 'file.read').type).toBe('ActionDenied');
    },
  );
});

describe('children', () => {
  it('keep the denials of their parent (agentscope-ai/agentscope-java#2477)', () => {
    const log = new TestLog();
    const root = openTestRun(log, { ...ROOMY, actions: { allow: ['*'], deny: ['shell.run'] } });
    const child = delegateTestRun(log, root.grantId, { actions: { allow: ['*'] } });
    expect(act(log, child.grantId, 'shell.run').type).toBe('ActionDenied');
  });

  it('keep their own denials (anomalyco/opencode#33223)', () => {
    const log = new TestLog();
    const root = openTestRun(log);
    const child = delegateTestRun(log, root.grantId, { actions: { allow: ['*'], deny: ['file.read'] } });
    expect(act(log, child.grantId, 'file.read').type).toBe('ActionDenied');
    expect(act(log, root.grantId, 'file.read').type).toBe('ActionPermitted');
  });

  it('are denied in any order of rules: a denial always wins (anomalyco/opencode#45078)', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ROOMY, actions: { allow: ['shell.run', '**'], deny: ['shell.*'] } });
    expect(act(log, grantId, 'shell.run').type).toBe('ActionDenied');
  });

  it('keep the denials of every ancestor, not only of the parent (anomalyco/opencode#42174)', () => {
    const log = new TestLog();
    const root = openTestRun(log, { ...ROOMY, actions: { allow: ['*'], deny: ['shell.*'] } });
    const child = delegateTestRun(log, root.grantId, { delegation: { depth: 2, children: 2, classes: ['*'] } });
    const grandchild = delegateTestRun(log, child.grantId);
    expect(act(log, grandchild.grantId, 'shell.run').type).toBe('ActionDenied');
  });

  it('share one trajectory: a secret read by a child is not sent by its parent', () => {
    const log = new TestLog(judgeTrajectory);
    const root = openTestRun(log);
    const child = delegateTestRun(log, root.grantId);
    act(log, child.grantId, 'file.read', { resource: { type: 'file', id: 'config/.env' } });
    const sent = act(log, root.grantId, 'email.send');
    expect(sent.type).toBe('ActionDenied');
    expect(codes(sent).join()).toContain('SECRET_EXFILTRATION');
  });
});

describe('repeated requests', () => {
  const keyed = (log: TestLog, grantId: string, requestDigest: string): Command =>
    log.command('authorize', {
      commandId: 'idk_00000000000000000000',
      requestDigest,
      grantId,
      action: { verb: 'file.read' },
      resource: { type: 'file', id: 'a' },
      cost: { USD: 5 },
      proof: { vouched: true },
    });

  it('return the first response and are charged once (akash-network/console#3449)', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const first = log.submit(keyed(log, grantId, DIGEST));
    const again = log.submit(keyed(log, grantId, DIGEST));
    expect(again).toMatchObject({ again: true, events: 'events' in first ? first.events : [] });
    expect(log.state.grants.get(grantId)?.usage.reserved.cost).toEqual({ USD: 5 });
  });

  it('are refused with other contents under the same key (stripe: idempotent requests)', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    log.submit(keyed(log, grantId, DIGEST));
    expect(log.submit(keyed(log, grantId, OTHER))).toMatchObject({ refusal: { code: 'IDEMPOTENCY_KEY_REUSED' } });
  });

  it('are refused for a reported outcome, and change nothing (furthemore/APIS#193)', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const actionId = act(log, grantId, 'file.read', { cost: { USD: 5 } }).actionId as string;
    log.do('settle', { actionId, outcome: { status: 'completed', cost: { USD: 3 } } });
    expect(refusalOf(log.try('settle', { actionId, outcome: { status: 'completed', cost: { USD: 0 } } }))).toBe(
      'ALREADY_SETTLED',
    );
    expect(log.state.grants.get(grantId)?.usage.committed.cost).toEqual({ USD: 3 });
  });
});

describe('requests with a mistyped field', () => {
  it.each([
    ['a narrowing field of a lease (boringstack-xyz/tsforge#311)', { actions: { allow: ['*'], denny: ['shell.*'] } }],
    ['a limit of a lease (anthropic-experimental/sandbox-runtime#434)', { budgets: { calls: 1 } }],
    ['a condition of a selector (Wave-RF/WaveHouse#460)', { resources: [{ type: 'file', match: '**', were: {} }] }],
    ['a mode that does not exist (agentrust-io/cmcp#150)', { actions: { mode: 'enforcing' } }],
  ])('are refused: %s', (_name, grant) => {
    const log = new TestLog();
    const command = log.command('openRun', {
      agent: { class: 'worker' },
      principalRef: REF,
      purposeRef: REF,
      grant: grant as GrantRequest,
    });
    expect(readCommand(command).success).toBe(false);
  });
});

describe('a doubtful call', () => {
  it('requires approval if its risk is high and its drift score is unavailable (Kuadrant/authorino#649, OWASP/AISVS#676)', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    expect(act(log, grantId, 'shell.run', { drift: 'unavailable' }).type).not.toBe('ActionPermitted');
  });

  it('is refused under a lease that does not exist', () => {
    const log = new TestLog();
    const result = log.try('authorize', {
      grantId: `grt_0_${'0'.repeat(26)}`,
      action: { verb: 'file.read' },
      resource: { type: 'file', id: 'a' },
      proof: { vouched: true },
    });
    expect(refusalOf(result)).toBe('NOT_FOUND');
  });

  it('stays a write if the caller states that a known write only reads (QwenLM/qwen-code#6917)', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ROOMY, actions: { allow: ['*'], mode: 'draft' } });
    const tried = act(log, grantId, 'repo.commit', { action: { verb: 'repo.commit', effect: 'read', risk: 'low' } });
    expect(tried.type).toBe('ActionDenied');
    expect(only(log.events.slice(-1), 'ActionDenied').data.effect).toBe('write');
  });
});
