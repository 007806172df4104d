import type { PolicyRule } from '@bailiwick/contracts/policy/rule';
import { replayRequest } from '@bailiwick/contracts/replay/replay';
import { canonicalize } from '@bailiwick/core/canonical';
import { judgeTrajectory, judgeUnder } from '@bailiwick/trajectory/sequence-rules';
import { emptyState } from '../state/state';
import { act, openTestRun, TestLog } from '../testing/harness';
import { deploy } from '../testing/policies';
import { candidateOf } from './candidate';
import { WhatIf } from './what-if';

const rule = (name: string): PolicyRule => ({
  name,
  on: { verbs: ['file.write'] },
  when: { formerly: { verbs: ['file.read'] } },
  outcome: 'note',
  says: 'a file was read',
  examples: { fires: [[{ verb: 'file.read' }, { verb: 'file.write' }]], silent: [[{ verb: 'file.write' }]] },
});

/** A log with a call under each of the rules of the release, a bundle with `first`, and one with `second`. */
function logOf(): TestLog {
  const log = new TestLog(judgeTrajectory);
  const { grantId } = openTestRun(log);
  act(log, grantId, 'file.read');
  for (const name of ['first', 'second']) {
    deploy(log, { rules: [rule(name)] });
    act(log, grantId, 'file.write');
  }
  return log;
}
const DEPLOYED = ({ events }: TestLog): number[] =>
  events.filter(({ type }) => type === 'PolicyDeployed').map(({ position }) => position);

function unknownOf(log: TestLog, name: string, more: object = {}, candidate?: string): string | undefined {
  const request = replayRequest.parse({ change: { policy: { sequences: { [name]: 'deny' } } }, ...more });
  const rules = { ...log.rules, judge: judgeUnder(request.change.policy) };
  const tried = candidate === undefined ? undefined : candidateOf(candidate);
  const whatIf = new WhatIf(emptyState('default/0', 'default', 0), request, rules, tried);
  for (const event of log.events) whatIf.take(structuredClone(event));
  whatIf.end();
  return whatIf.unknownRule()?.name;
}

describe('a what-if that sets a rule', () => {
  it.each(['first', 'second', 'secret-exfiltration', 'SECRET_EXFILTRATION'])(
    'knows %s, which was in force at a position of its range',
    (name) => {
      expect(unknownOf(logOf(), name)).toBeUndefined();
    },
  );

  it('does not know a rule that was never in force', () => {
    expect(unknownOf(logOf(), 'third')).toBe('third');
  });

  it('does not know a rule that another version replaced before its range, or that a later one deployed', () => {
    const log = logOf();
    const [first = 0, second = 0] = DEPLOYED(log);
    expect(unknownOf(log, 'secret-exfiltration', { from: first + 1 })).toBe('secret-exfiltration');
    expect(unknownOf(log, 'second', { to: second - 2 })).toBe('second');
    expect(unknownOf(log, 'first', { from: first + 1 })).toBeUndefined();
    expect(unknownOf(log, 'second', { from: log.events.length })).toBeUndefined();
  });

  it('knows the rules of the bundle that decides instead, and no others', () => {
    const candidate = canonicalize({ rules: [rule('third')] });
    expect(unknownOf(logOf(), 'third', {}, candidate)).toBeUndefined();
    expect(unknownOf(logOf(), 'second', {}, candidate)).toBe('second');
    expect(unknownOf(logOf(), 'third', { from: 1_000 }, candidate)).toBeUndefined();
  });
});
