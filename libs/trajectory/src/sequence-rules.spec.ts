import fc from 'fast-check';
import { EFFECTS } from '@bailiwick/contracts/grants/grant';
import { reason } from '@bailiwick/contracts/reason';
import type { RuleInForce, Trajectory, TrajectoryStep } from '@bailiwick/contracts/actions/trajectory';
import { change, type Change } from '@bailiwick/contracts/replay/replay';
import { judgeTrajectory, judgeUnder, SEQUENCES } from './sequence-rules';

fc.configureGlobal({ seed: 20260124 });

/** Keeps the first action of each label, as the log owner does. */
class Tree {
  private readonly first: Record<string, { actionId: string; runId: string; position: number }> = {};
  private position = 0;

  does(runId: string, ...labels: string[]): this {
    const position = this.position++;
    for (const label of labels) this.first[label] ??= { actionId: `act_${position}`, runId, position };
    return this;
  }
  get trajectory(): Trajectory {
    return { first: this.first };
  }
}

const step = (...labels: string[]): TrajectoryStep => ({ labels, effect: 'read', runId: 'run_child' });
const codes = (tree: Tree, next: TrajectoryStep) => judgeTrajectory(tree.trajectory, next).map((each) => each.code);
const outcomes = (tree: Tree, next: TrajectoryStep) =>
  judgeTrajectory(tree.trajectory, next).map((each) => each.outcome);

describe('the sequence rules', () => {
  it('have the published codes and outcomes', () => {
    expect(SEQUENCES.map((rule) => [rule.seen.join(' + '), rule.then, rule.outcome, rule.code])).toEqual([
      ['read:secret', 'send:external', 'deny', 'SECRET_EXFILTRATION'],
      ['denied:escalation', 'exec:shell', 'deny', 'EXEC_AFTER_DENIED_ESCALATION'],
      ['private + untrusted', 'send:external', 'step-up', 'LETHAL_TRIFECTA'],
      ['read:secret', 'may:send', 'step-up', 'MAY_SEND_SECRET'],
      ['private + untrusted', 'may:send', 'step-up', 'MAY_SEND_PRIVATE'],
      ['private', 'fetch:unnamed', 'step-up', 'FETCH_AFTER_PRIVATE'],
      ['read:secret', 'fetch:unnamed', 'step-up', 'FETCH_AFTER_PRIVATE'],
      ['denied:escalation', 'may:exec', 'step-up', 'MAY_EXEC_AFTER_DENIED_ESCALATION'],
      ['open:send', 'read:secret', 'deny', 'SENDING_IN_FLIGHT'],
      ['open:may-send', 'read:secret', 'step-up', 'MAY_SEND_IN_FLIGHT'],
    ]);
  });

  it('deny sending outside after any run of the tree has read a secret', () => {
    for (const reader of ['run_parent', 'run_child', 'run_sibling']) {
      const tree = new Tree().does('run_parent', 'untrusted').does(reader, 'read:secret');
      expect(outcomes(tree, step('send:external'))).toEqual(['deny']);
    }
  });

  it('deny execution after a denied escalation', () => {
    const tree = new Tree().does('run_parent', 'denied:escalation');
    expect(codes(tree, step('exec:shell'))).toEqual(['EXEC_AFTER_DENIED_ESCALATION']);
    expect(codes(tree, step('send:external'))).toEqual([]);
    expect(codes(new Tree().does('run_parent', 'escalation'), step('exec:shell'))).toEqual([]);
  });

  it('step up if private data, untrusted content and a way out meet, even across three runs', () => {
    const tree = new Tree().does('run_a', 'private').does('run_b', 'untrusted');
    expect(outcomes(tree, step('send:external'))).toEqual(['step-up']);
    expect(outcomes(new Tree().does('run_a', 'private'), step('send:external'))).toEqual([]);
    expect(outcomes(new Tree().does('run_a', 'untrusted'), step('send:external'))).toEqual([]);
    expect(outcomes(new Tree().does('run_a', 'private'), step('send:external', 'untrusted'))).toEqual(['step-up']);
    expect(outcomes(new Tree(), step('send:external', 'untrusted', 'private'))).toEqual(['step-up']);
  });

  it('consider the order: sending before the secret was read is allowed', () => {
    const tree = new Tree().does('run_a', 'send:external').does('run_a', 'read:secret');
    expect(codes(tree, step('file:read'))).toEqual([]);
    expect(codes(new Tree().does('run_a', 'send:external'), step('read:secret'))).toEqual([]);
  });

  it('also consider the effect, so that a step without its label is still judged (I11)', () => {
    const tree = new Tree().does('run_a', 'read:secret', 'denied:escalation');
    expect(codes(tree, { labels: [], effect: 'external', runId: 'run_b' })).toEqual(['SECRET_EXFILTRATION']);
    expect(codes(tree, { labels: [], effect: 'exec', runId: 'run_b' })).toEqual(['EXEC_AFTER_DENIED_ESCALATION']);
  });

  it('name the action and the run that armed them', () => {
    const tree = new Tree().does('run_parent').does('run_parent', 'read:secret');
    const [objection] = judgeTrajectory(tree.trajectory, step('send:external'));
    expect(objection?.message).toBe(
      'a secret was read in this task, so nothing more may be sent outside; send it from a task that reads no secret ' +
        '(read:secret: by action act_1 of run run_parent, position 1)',
    );
    const [own] = judgeTrajectory({ first: {} }, step('send:external', 'read:secret'));
    expect(own?.message).toContain('read:secret: by this call');
    expect(reason.safeParse(objection).success).toBe(true);
  });

  it('ignore labels inherited from a prototype', () => {
    expect(judgeTrajectory({ first: {} }, step('constructor', 'send:external', 'toString'))).toEqual([]);
  });
});

describe('judgeTrajectory for any trajectory', () => {
  const known = [...new Set(SEQUENCES.flatMap((rule) => [...rule.seen, rule.then])), 'harmless'];
  const some = fc.subarray(known);
  const action = fc.record({ runId: fc.constantFrom('run_a', 'run_b', 'run_c'), labels: some });
  const next = fc.record({ labels: some, effect: fc.constantFrom(...EFFECTS), runId: fc.constant('run_a') });
  const treeOf = (actions: readonly { runId: string; labels: string[] }[]) =>
    actions.reduce((tree, { runId, labels }) => tree.does(runId, ...labels), new Tree());

  it('returns the same result however the actions are spread over the runs', () => {
    fc.assert(
      fc.property(fc.array(action), next, (actions, last) => {
        const alone = actions.map((each) => ({ ...each, runId: 'run_a' }));
        expect(codes(treeOf(actions), last)).toEqual(codes(treeOf(alone), last));
      }),
    );
  });

  it('never becomes milder through more actions or more labels', () => {
    fc.assert(
      fc.property(fc.array(action), fc.array(action), next, some, (before, more, last, extra) => {
        const few = codes(treeOf(before), last);
        const wider = { ...last, labels: [...last.labels, ...extra] };
        expect(codes(treeOf([...before, ...more]), wider)).toEqual(expect.arrayContaining(few));
      }),
    );
  });

  it('objects only if a rule is complete: all its labels seen, and its step now', () => {
    fc.assert(
      fc.property(fc.array(action), next, (actions, last) => {
        const effect = { external: 'send:external', exec: 'exec:shell', read: '', write: '' }[last.effect];
        const now = new Set([...last.labels, effect]);
        const earlier = new Set(actions.flatMap(({ labels }) => labels));
        const expected = SEQUENCES.filter(
          ({ seen, before, then }) =>
            now.has(then) && seen.every((label) => earlier.has(label) || (!before && now.has(label))),
        );
        expect(codes(treeOf(actions), last)).toEqual(expected.map((rule) => rule.code));
      }),
    );
  });
});

describe('judgeUnder', () => {
  const secret = new Tree().does('run_a', 'read:secret').trajectory;
  const noting: RuleInForce = {
    name: 'noting',
    code: 'POLICY_RULE',
    outcome: 'note',
    objection: () => ({ message: 'no' }),
  };
  const outcomesOf = (sequences: NonNullable<Change['policy']>['sequences'], rules?: RuleInForce[]) =>
    judgeUnder({ sequences })({ ...secret, ...(rules ? { rules } : {}) }, step('send:external')).map(
      ({ outcome }) => outcome,
    );

  it('switches rules of the release off, or sets their outcome, by code or by name', () => {
    expect(outcomesOf({})).toEqual(['deny']);
    expect(outcomesOf({ SECRET_EXFILTRATION: 'step-up' })).toEqual(['step-up']);
    expect(outcomesOf({ 'secret-exfiltration': 'off' })).toEqual([]);
    expect(outcomesOf({ SECRET_EXFILTRATION: 'step-up', 'secret-exfiltration': 'deny' })).toEqual(['deny']);
  });

  it('does the same with the rules of a deployed bundle, which replace those of the release', () => {
    expect(outcomesOf({}, [])).toEqual([]);
    expect(outcomesOf({}, [noting])).toEqual(['permit']);
    expect(outcomesOf({ noting: 'deny' }, [noting])).toEqual(['deny']);
    expect(outcomesOf({ noting: 'off' }, [noting])).toEqual([]);
  });

  it('accepts codes and names of rules in a request, and nothing else', () => {
    const accepts = (sequences: object) => change.safeParse({ policy: { sequences } }).success;
    expect(accepts({ LETHAL_TRIFECTA: 'off', 'mass-reads': 'deny' })).toBe(true);
    expect(accepts({ LETHAL_TRIFECT: 'off' })).toBe(false);
    expect(accepts({ 'mass-reads': 'suspend' })).toBe(false);
  });
});
