import { decide } from '#authority/decide';
import { seal } from '#authority/seal';
import { only, openTestRun, REF, ROOMY, TestLog, type Fields } from '#authority/testing/harness';
import { readCommand, type CommandType } from '#contracts/command';
import { parseEvent } from '#contracts/event';
import type { GrantRequest } from '#contracts/grant';

const FILE = { type: 'file', id: 'a/b' };
const many = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const costs = (from: number, count = 8): Record<string, number> =>
  Object.fromEntries(many(count, (i) => [`${String.fromCharCode(65 + from + i)}AA`, 100]));

/** Decides a command in its own form; every event that it makes is read as every later reader reads it. */
function readBack<T extends CommandType>(log: TestLog, type: T, fields: Fields<T>): string {
  const parsed = readCommand(JSON.parse(JSON.stringify(log.command(type, fields))));
  if (!parsed.success) throw new Error(`no command: ${parsed.error.message}`);
  const decided = decide(log.state, parsed.data, log.now, log.rules);
  if (!decided.ok) return decided.error.code;
  const first = log.state.next;
  for (const [i, fresh] of decided.value.entries()) {
    const { event, body } = seal(log.state, parsed.data, log.now, fresh, first + i);
    expect(parseEvent(body)).toEqual(event);
  }
  const last = decided.value.at(-1);
  return last?.type === 'Refused' ? last.data.code : (last?.type ?? 'nothing');
}

describe('issue 13.0: what the commands of one run can make is read again', () => {
  const opened = (grant: GrantRequest): { log: TestLog; runId: string; grantId: string } => {
    const log = new TestLog();
    return { log, ...openTestRun(log, { ...ROOMY, ...grant }) };
  };

  it.failing('a denied call with as many labels as a call may have', () => {
    const { log, grantId } = opened({ actions: { allow: ['*'], deny: ['email.read'] } });
    const labels = many(32, (i) => `label${i}`);
    const fields = {
      grantId,
      action: { verb: 'email.read' },
      resource: FILE,
      labels,
      proof: { vouched: true },
    } as const;
    expect(readBack(log, 'authorize', fields)).toBe('ActionDenied');
  });

  const want: [string, GrantRequest, GrantRequest][] = [
    [
      'resource selectors',
      { resources: many(40, (i) => ({ type: 'file', match: `a/${i}` })) },
      { resources: many(40, (i) => ({ type: 'file', match: `b/${i}` })) },
    ],
    [
      'delegated sources',
      { purpose: { delegatedSources: many(40, (i) => `a${i}`) } },
      { purpose: { delegatedSources: many(40, (i) => `b${i}`) } },
    ],
    ['currencies', { budget: { cost: costs(0) } }, { budget: { cost: costs(8) } }],
  ];
  it.failing.each(want)('an escalation that adds %s to those of its lease', (_what, has, asks) => {
    const { log, runId } = opened(has);
    expect(readBack(log, 'escalate', { runId, want: asks })).toBe('GRANT_EXCEEDS_MAXIMUM');
  });

  it.failing('a root lease with two windows of one length', () => {
    const log = new TestLog();
    const windows = [
      { per: '1h', cost: costs(0) },
      { per: '60m', cost: costs(8) },
    ];
    const grant = { ...ROOMY, budget: { ...ROOMY.budget, windows } };
    const fields = { agent: { class: 'worker' }, principalRef: REF, purposeRef: REF, grant };
    expect(readBack(log, 'openRun', fields)).toBe('GRANT_EXCEEDS_MAXIMUM');
  });

  const below: [string, GrantRequest['budget'], GrantRequest['budget']][] = [
    ['caps per action', { perAction: { cost: costs(0) } }, { perAction: { cost: costs(8) } }],
    ['caps per window', { windows: [{ per: '1h', cost: costs(0) }] }, { windows: [{ per: '60m', cost: costs(8) }] }],
  ];
  it.failing.each(below)('a child whose %s come beside those of its parent', (_what, has, asks) => {
    const log = new TestLog();
    const grant = { ...ROOMY, budget: { ...ROOMY.budget, ...has } };
    const events = log.do('openRun', { agent: { class: 'worker' }, principalRef: REF, purposeRef: REF, grant });
    const { grantId } = only(events, 'GrantIssued');
    const fields = { grantId: grantId as string, agent: { class: 'helper' }, purposeRef: REF, grant: { budget: asks } };
    expect(readBack(log, 'delegate', fields)).toBe('GRANT_EXCEEDS_MAXIMUM');
  });
});
