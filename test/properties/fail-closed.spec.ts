import fc from 'fast-check';
import { CorruptLog } from '@bailiwick/authority/events/follows';
import { stateDigest } from '@bailiwick/authority/state/digest';
import { act, delegateTestRun, openTestRun, ROOMY, TestLog } from '@bailiwick/authority/testing/harness';
import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import { call } from './asked-for';
import { moves } from './moves';
import { Tally } from './naive';
import { asked, Play } from './play';

/**
 * Fails if an unknown verb counts as a read; if a caller may lower an effect; if unavailable drift counts as none; if
 * reasons are cut arbitrarily; if an event with an earlier time folds; if a verb is not normalized.
 */
fc.configureGlobal({ seed: 20260113 });

const FILE = { type: 'file', id: 'a/b' };
const ALL: GrantRequest = { ...ROOMY, risk: { ceiling: 'irreversible', approvalFrom: 'irreversible' } };

/** Opens a log with one run that may do anything that needs no approval. */
function open(grant: GrantRequest = ALL): { log: TestLog; grantId: string } {
  const log = new TestLog(judgeTrajectory);
  const opened = log.do('openRun', {
    agent: { class: 'worker' },
    principalRef: `ref_${'0'.repeat(26)}`,
    purposeRef: `ref_${'0'.repeat(26)}`,
    grant,
  });
  const asked = opened.find((event) => event.type === 'ApprovalRequested');
  if (asked?.type === 'ApprovalRequested')
    opened.push(...log.do('decideApproval', { approvalId: asked.data.approvalId, verdict: 'approve' }));
  return { log, grantId: opened.find((event) => event.type === 'GrantIssued')?.grantId as string };
}

describe('I11: an action with an unknown verb', () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/);
  const known = new Set([
    'read',
    'get',
    'list',
    'search',
    'delete',
    'send',
    'publish',
    'share',
    'escalate',
    'run',
    'fetch',
  ]);

  it('is never a read, whatever its name', () => {
    const property = fc.property(word, word, fc.boolean(), (noun, verb, statesEffect) => {
      fc.pre(!known.has(verb) && !['web', 'http', 'email', 'message'].includes(noun));
      const drafting = open({ ...ROOMY, actions: { allow: ['*'], mode: 'draft' } });
      const fields = { action: { verb: `${noun}.${verb}`, ...(statesEffect ? { effect: 'write' as const } : {}) } };
      expect(act(drafting.log, drafting.grantId, '', fields).type).toBe('ActionDenied');
    });
    fc.assert(property, { numRuns: 200 });
  });

  it('is refused if the verb is malformed, and nothing is written', () => {
    const tally = new Tally();
    const odd = fc.oneof(
      fc.string({ maxLength: 12, unit: 'binary' }),
      fc.constantFrom(
        '',
        '.',
        'a..b',
        'a b',
        'a/b',
        'secret\u0000.read',
        'sécret.read',
        'a'.repeat(300),
        '\ud800.read',
        'file.*',
      ),
    );
    const property = fc.property(odd, odd, fc.boolean(), (verb, id, both) => {
      const { log, grantId } = open();
      const next = log.state.next;
      const result = log.try('authorize', {
        grantId,
        action: { verb: both ? verb : 'file.read' },
        resource: { type: 'file', id },
        proof: { vouched: true },
      });
      if ('refusal' in result) {
        expect(result.refusal.code).toMatch(/PATTERN_INVALID|BAD_REQUEST/);
        expect(log.state.next).toBe(next);
        return tally.add('refused');
      }
      for (const event of result.events)
        if (event.type === 'ActionPermitted')
          expect([event.data.verb, event.data.resource.id]).toEqual([
            expect.stringMatching(/^[a-z0-9_.-]+$/),
            id.normalize('NFC'),
          ]);
      tally.add('understood');
    });
    fc.assert(property, { numRuns: 400 });
    tally.atLeast(50, 'refused', 'understood');
  });

  it('is denied under every accepted spelling of a denied verb', () => {
    const spelling = fc
      .tuple(fc.array(fc.boolean(), { minLength: 11, maxLength: 11 }), fc.constantFrom('', ' ', '\u3000'), fc.boolean())
      .map(
        ([upper, space, wide]) =>
          space +
          [...'secret.read']
            .map((c, i) =>
              upper[i]
                ? c.toUpperCase()
                : wide && c !== '.'
                  ? String.fromCodePoint((c.codePointAt(0) as number) + 0xfee0)
                  : c,
            )
            .join('') +
          space,
      );
    const property = fc.property(spelling, (verb) => {
      const { log, grantId } = open({ ...ALL, actions: { allow: ['*'], deny: ['secret.read'] } });
      expect(act(log, grantId, verb).type).toBe('ActionDenied');
    });
    fc.assert(property, { numRuns: 100 });
  });
});

describe('I11: facts that an action does not state', () => {
  const reads = fc.constantFrom(
    { verb: 'secret.read', id: 'a/b' },
    { verb: 'file.read', id: 'app/.env' },
    { verb: 'file.read', id: 'keys/id_rsa' },
    { verb: 'do.something', id: 'x/credentials.json' },
  );
  const sends = fc.constantFrom(
    { verb: 'email.send' },
    { verb: 'http.post' },
    { verb: 'report.publish' },
    { verb: 'do.something', effect: 'external' as const },
  );

  it('apply anyway: an unlabeled secret is not sent, even if it was read without a label', () => {
    const property = fc.property(reads, sends, fc.boolean(), (read, send, below) => {
      const { log, grantId } = open();
      const child = delegateTestRun(log, grantId).grantId;
      expect(act(log, below ? child : grantId, read.verb, { resource: { type: 'file', id: read.id } }).type).toBe(
        'ActionPermitted',
      );
      const sent = act(log, below ? grantId : child, send.verb, { action: send, labels: [] });
      expect(sent.type).toBe('ActionDenied');
      expect(JSON.stringify(sent.data.reasons)).toContain('SECRET_EXFILTRATION');
    });
    fc.assert(property, { numRuns: 60 });
  });

  it('cannot be replaced by claims: no stated effect, risk or label turns a denial into a permit', () => {
    const tally = new Tally();
    const claims = fc.record(
      {
        effect: fc.constantFrom('read' as const, 'write' as const, 'exec' as const, 'external' as const),
        risk: fc.constantFrom('low' as const, 'high' as const, 'irreversible' as const),
      },
      { requiredKeys: [] },
    );
    const strict = fc.constantFrom<GrantRequest[]>(
      { ...ROOMY, risk: { ceiling: 'medium', approvalFrom: 'medium' } },
      { ...ROOMY, actions: { allow: ['*'], mode: 'draft' } },
      { ...ROOMY, actions: { allow: ['*'], mode: 'propose' } },
      { ...ROOMY, budget: { ...ROOMY.budget, external: 0, writes: 0 } },
    );
    const property = fc.property(
      strict,
      call,
      claims,
      fc.array(fc.constantFrom('trusted', 'untrusted', 'public'), { maxLength: 2 }),
      (grant, each, more, labels) => {
        // (the stated effect of an unknown verb is the only information about it)
        fc.pre(!['do.something', 'a..b'].includes(each.verb));
        const { log, grantId } = open(grant);
        const plain = act(log, grantId, each.verb, { resource: each.resource });
        const same = act(log, grantId, each.verb, {
          action: { verb: each.verb, ...more },
          resource: each.resource,
          labels,
        });
        const strictness = ['ActionPermitted', 'ActionStepUp', 'ActionDenied'];
        expect(strictness.indexOf(same.type)).toBeGreaterThanOrEqual(strictness.indexOf(plain.type));
        tally.add(same.type);
      },
    );
    fc.assert(property, { numRuns: 200 });
    tally.atLeast(10, 'ActionPermitted', 'ActionStepUp', 'ActionDenied');
  });

  it('include unavailable drift: only reads of low or medium risk are permitted', () => {
    const tally = new Tally();
    const verbs = fc.constantFrom(
      'secret.read',
      'secret.get',
      'shell.run',
      'thing.delete',
      'email.send',
      'file.write',
      'iam.raise',
      'file.read',
      'web.get',
    );
    const property = fc.property(
      verbs,
      fc.option(fc.constantFrom('low' as const, 'high' as const, 'irreversible' as const)),
      (verb, risk) => {
        const { log, grantId } = open();
        const event = act(log, grantId, verb, { action: { verb, ...(risk ? { risk } : {}) }, drift: 'unavailable' });
        const harmless = event.data.effect === 'read' && ['low', 'medium'].includes(event.data.risk);
        expect(event.type === 'ActionPermitted').toBe(harmless);
        tally.add(event.type);
      },
    );
    fc.assert(property, { numRuns: 100 });
    tally.atLeast(5, 'ActionPermitted', 'ActionStepUp');
  });
});

describe('I11: the reasons of a denial', () => {
  it('include the strictest objection even if more objections exist than an event can hold', () => {
    const property = fc.property(fc.integer({ min: 1, max: 40 }), (levels) => {
      const log = new TestLog(judgeTrajectory);
      const asks: GrantRequest = {
        ...ROOMY,
        time: { ttl: '1h' },
        risk: { approvalFrom: 'low' },
        delegation: { depth: levels + 1, children: 3, classes: ['*'] },
      };
      let { grantId } = openTestRun(log, asks);
      for (let level = 1; level <= levels; level++)
        grantId = delegateTestRun(log, grantId, {
          delegation: { depth: levels + 1 - level, children: 3, classes: ['*'] },
        }).grantId;
      // every grant in the chain asks for approval; only the trajectory of the tree denies
      const { action, ...call } = asked(grantId, { verb: 'email.send', resource: FILE, labels: ['read:secret'] });
      const decision = act(log, grantId, 'email.send', { ...call, action });
      expect(decision.type).toBe('ActionDenied');
      expect(decision.data.reasons.length).toBeLessThanOrEqual(16);
      expect(decision.data.reasons.map((reason) => reason.code)).toContain('SECRET_EXFILTRATION');
    });
    fc.assert(property, { numRuns: 30 });
  });
});

describe('I11: a clock that moves backward', () => {
  it('writes nothing: a decision with an earlier time than the newest event cannot be folded', () => {
    const tally = new Tally();
    const property = fc.property(moves(30), call, fc.integer({ min: 1, max: 3_600_000 }), (all, each, back) => {
      const { log, ids } = (() => {
        const play = new Play().play(all);
        return { log: play.log, ids: play.ids('grant') };
      })();
      fc.pre(log.state.lastTime > 0);
      log.now = log.state.lastTime - back;
      const digest = stateDigest(log.state);
      for (const grantId of ids) {
        try {
          const result = log.try('authorize', asked(grantId, each));
          expect(result).toHaveProperty('refusal');
        } catch (error) {
          expect(error).toBeInstanceOf(CorruptLog);
          tally.add('not folded');
        }
        expect(stateDigest(log.state)).toBe(digest);
      }
    });
    fc.assert(property, { numRuns: 40 });
    tally.atLeast(30, 'not folded');
  });
});
