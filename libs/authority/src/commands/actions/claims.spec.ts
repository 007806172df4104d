import type { Effect, GrantRequest } from '@bailiwick/contracts/grants/grant';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import { act, openTestRun, ROOMY, TestLog, type Fields } from '../../testing/harness';

/** Returns the fields of a call that a run makes with its own token, without an enforcement point. */
const byRun = (runId: string): Pick<Fields<'authorize'>, 'actor' | 'proof'> => ({
  actor: { kind: 'run', id: runId },
  proof: { vouched: false },
});
const BUDGET = { ...ROOMY.budget };
type Decided = ReturnType<typeof act>;

const decide = (grant: GrantRequest, verb: string, own: boolean, call: Partial<Fields<'authorize'>> = {}): Decided => {
  const log = new TestLog(judgeTrajectory);
  const { grantId, runId } = openTestRun(log, { ...ROOMY, ...grant });
  return act(log, grantId, verb, { ...call, ...(own ? byRun(runId) : {}) });
};
const codesOf = ({ data }: Decided): (string | undefined)[] =>
  data.reasons.flatMap((reason) => [reason.code, ...(reason.reasons ?? []).map(({ code }) => code)]);

describe('the statements of a run about its own call', () => {
  it.each([
    'db.drop_table',
    'crm.purge',
    'ledger.rewrite',
    'cluster.scale',
    'queue.flush',
    'device.reboot',
    'invoice.void',
    'user.ban',
    'flag.toggle',
    'index.rebuild',
    'drive.wipe',
    'cache.evict',
    'order.amend',
    // similar names: other orders and spellings, and names that contain a reading word
    'drop_table',
    'dropTable',
    'get_or_create_user',
    'find_and_replace',
    'list.add',
    'read_and_delete',
    'view.refresh',
    'countIncrement',
    'show-and-draw',
    'x',
  ])('do not make %s a read', (verb) => {
    const decided = decide({ actions: { allow: ['*'], mode: 'draft' }, budget: { ...BUDGET, writes: 0 } }, verb, true, {
      action: { verb, effect: 'read', risk: 'low' },
    });
    expect(decided.type).toBe('ActionDenied');
    expect(decided.data.charge).toMatchObject({ calls: 1, writes: 1, reads: 1 });
    expect(['medium', 'high']).toContain(decided.data.risk);
  });

  it.each<[string, Effect, Partial<typeof BUDGET>]>([
    ['repo.commit', 'external', { writes: 0 }],
    ['repo.read', 'write', { reads: 0 }],
    ['repo.read', 'external', { reads: 0 }],
    ['email.send', 'read', { external: 0 }],
    ['email.send', 'exec', { external: 0 }],
    ['shell.run', 'external', { writes: 0 }],
    ['never.heard', 'external', { writes: 0 }],
    ['never.heard', 'read', { writes: 0 }],
    ['file.delete', 'read', { writes: 0 }],
    ['sendEmail', 'write', { external: 0 }],
  ])('do not choose the counter: %s called %s under %j', (verb, effect, none) => {
    for (const own of [true, false]) {
      if (verb === 'never.heard' && !own) continue; // an enforcement point classifies unknown verbs
      const decided = decide({ budget: { ...BUDGET, ...none }, risk: { approvalFrom: 'irreversible' } }, verb, own, {
        action: { verb, effect },
      });
      expect([verb, effect, own, decided.type]).toEqual([verb, effect, own, 'ActionDenied']);
    }
  });

  it.each<[string, Effect, Effect[] | undefined, object]>([
    ['repo.commit', 'external', ['write', 'external'], { calls: 1, reads: 0, writes: 1, external: 1 }],
    ['repo.read', 'write', ['read', 'write'], { calls: 1, reads: 1, writes: 1, external: 0 }],
    ['repo.commit', 'exec', ['write', 'exec'], { calls: 1, reads: 0, writes: 1, external: 0 }],
    ['repo.read', 'read', undefined, { calls: 1, reads: 1, writes: 0, external: 0 }],
  ])('are charged in addition: %s called %s has the effects %j and charges %j', (verb, effect, effects, charge) => {
    const { data } = decide({}, verb, true, { action: { verb, effect } });
    expect(data.effects).toEqual(effects);
    expect(data.charge).toEqual({ ...charge, cost: {} });
  });

  it('leave the classification of an unknown verb to an enforcement point', () => {
    const call = { action: { verb: 'never.heard', effect: 'read' as const } };
    const draft: GrantRequest = { actions: { allow: ['*'], mode: 'draft' } };
    expect(decide(draft, '', false, call)).toMatchObject({ type: 'ActionPermitted', data: { effect: 'read' } });
    expect(decide(draft, '', true, call)).toMatchObject({ type: 'ActionDenied', data: { stated: 'run' } });
  });

  it('count as its own even if the proof claims to be vouched for', () => {
    const log = new TestLog(judgeTrajectory);
    const { grantId, runId } = openTestRun(log, { ...ROOMY, actions: { allow: ['*'], mode: 'draft' } });
    const action = { verb: 'never.heard', effect: 'read' as const };
    expect(act(log, grantId, '', { action, actor: { kind: 'run', id: runId } }).type).toBe('ActionDenied');
  });

  it('cannot label its own result as trusted, which an enforcement point may do', () => {
    const log = new TestLog(judgeTrajectory);
    const { grantId, runId } = openTestRun(log, ROOMY);
    for (const own of [true, false]) {
      const by = own ? byRun(runId) : {};
      const permit = act(log, grantId, 'file.read', { ...by, labels: ['trusted', 'mine'] });
      const [outcome] = log.do('settle', {
        actor: own ? { kind: 'run', id: runId } : { kind: 'service', id: 'key:test' },
        actionId: permit.actionId as string,
        outcome: { status: 'completed', labels: ['trusted', 'mine'] },
      });
      const expected = own ? ['mine'] : ['mine', 'trusted'];
      expect(permit.data.labels).toEqual(expected);
      expect([...(outcome?.data as { labels: string[] }).labels].sort()).toEqual(expected);
    }
  });

  describe('about attributes', () => {
    const where: GrantRequest = {
      resources: [{ type: 'file', match: '**', where: { sensitivity: { in: ['public'] }, amount: { lte: 10 } } }],
    };
    const call = (attributes?: Record<string, string | number>): Partial<Fields<'authorize'>> => ({
      resource: { type: 'file', id: 'a/b', ...(attributes ? { attributes } : {}) },
    });

    it.each<[string, Record<string, string | number> | undefined, string]>([
      ['satisfying them all', { sensitivity: 'public', amount: 1 }, 'ActionStepUp'],
      ['nothing', undefined, 'ActionStepUp'],
      ['one of two', { sensitivity: 'public' }, 'ActionStepUp'],
      ['contradicting one', { sensitivity: 'secret', amount: 1 }, 'ActionDenied'],
      ['of another type', { sensitivity: 'public', amount: '1' }, 'ActionDenied'],
    ])('satisfies no condition by stating %s', (_, attributes, expected) => {
      expect(decide(where, 'file.write', true, call(attributes)).type).toBe(expected);
    });

    it('refers the run to the enforcement point', () => {
      const decided = decide(where, 'file.write', true, call({ sensitivity: 'public', amount: 1 }));
      expect(codesOf(decided)).toContain('RESOURCE_NOT_VERIFIED');
      expect(JSON.stringify(decided.data.reasons)).toContain('enforcement point');
    });

    it('are not needed if a selector without conditions covers the resource', () => {
      const both: GrantRequest = { resources: [...(where.resources ?? []), { type: 'file', match: 'a/**' }] };
      expect(decide(both, 'file.write', true, call({ sensitivity: 'secret' })).type).toBe('ActionPermitted');
    });

    it('are trusted from an enforcement point, and attributes that it does not state satisfy nothing', () => {
      expect(decide(where, 'file.write', false, call({ sensitivity: 'public', amount: 1 })).type).toBe(
        'ActionPermitted',
      );
      expect(decide(where, 'file.write', false, call()).type).toBe('ActionDenied');
    });
  });

  describe('about its posture', () => {
    const declared = { environment: 'test', model: 'm' };
    const ask = (stated: Record<string, string> | undefined, own: boolean, grant: GrantRequest): string => {
      const log = new TestLog(judgeTrajectory);
      const opened = log.do('openRun', {
        agent: { class: 'worker', posture: declared },
        principalRef: `ref_${'0'.repeat(26)}`,
        purposeRef: `ref_${'0'.repeat(26)}`,
        grant: { ...ROOMY, ...grant },
      });
      const issued = opened.find((event) => event.type === 'GrantIssued');
      const { grantId, runId } = issued as { grantId: string; runId: string };
      return act(log, grantId, 'file.read', {
        ...(stated ? { posture: stated } : {}),
        ...(own ? byRun(runId) : {}),
      }).type;
    };
    const image: GrantRequest = { posture: { imageDigest: ['sha256:good'] } };

    it.each<[object | undefined, boolean, string]>([
      [{ imageDigest: 'sha256:good' }, true, 'ActionDenied'],
      [{ imageDigest: 'sha256:good' }, false, 'ActionPermitted'],
      [{ imageDigest: 'sha256:bad' }, true, 'ActionDenied'],
      [undefined, true, 'ActionDenied'],
    ])('satisfy no requirement that it did not declare: %j, own token: %s', (stated, own, expected) => {
      expect(ask(stated as Record<string, string>, own, image)).toBe(expected);
    });

    it('can contradict its declaration', () => {
      const test: GrantRequest = { posture: { environment: ['test', 'prod'] } };
      expect(ask(undefined, true, test)).toBe('ActionPermitted');
      expect(ask({ environment: 'test' }, true, test)).toBe('ActionPermitted');
      expect(ask({ environment: 'prod' }, true, test)).toBe('ActionDenied');
    });
  });

  describe('about its cost', () => {
    it.each<[string, Record<string, number> | undefined]>([
      ['payment.make', undefined],
      ['payment.make', { USD: 0 }],
      ['payment.make', { USD: 1 }],
      ['pay_invoice', { USD: 1 }],
      ['send_money', { USD: 1 }],
      ['shop.checkout', undefined],
      ['order.refund', { USD: 1 }],
      ['bankTransfer', { USD: 1 }],
      ['item.purchase', {}],
      ['withdraw_funds', { USD: 1 }],
    ])('do not decide the cost of %s with %j: a person is asked', (verb, cost) => {
      const grant: GrantRequest = { risk: { ceiling: 'high', approvalFrom: 'irreversible' } };
      const call = { action: { verb }, resource: { type: 'payee', id: 'acme' }, ...(cost ? { cost } : {}) };
      const decided = decide(grant, '', true, call);
      expect([decided.type, codesOf(decided)]).toEqual(['ActionStepUp', ['COST_NOT_VERIFIED']]);
      expect(codesOf(decide(grant, '', false, call))).not.toContain('COST_NOT_VERIFIED');
    });

    it('are charged if they state a cost above zero', () => {
      const { data, type } = decide({}, 'file.write', true, { cost: { USD: 7 } });
      expect([type, data.charge.cost]).toEqual(['ActionPermitted', { USD: 7 }]);
    });
  });
});
