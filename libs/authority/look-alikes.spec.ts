import { act, openTestRun, REF, ROOMY, TestLog } from './testing/harness';

const Q = 'qb\u043et';

describe('a name that looks like another', () => {
  it.failing('does not escape the quarantine of the class that it looks like', () => {
    const log = new TestLog();
    log.do('revokeSelector', {
      revocationId: 'rev_0_00000000000000000000000001',
      selector: { agentClass: 'qbot' },
      quarantine: true,
      force: true,
    });
    const run = { agent: { class: Q }, principalRef: REF, purposeRef: REF, grant: ROOMY };
    expect(log.try('openRun', run)).toHaveProperty('refusal');
  });

  it.failing('does not escape the revocation of the tool that it looks like', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    log.do('revokeSelector', {
      revocationId: 'rev_0_00000000000000000000000001',
      selector: { tool: 'deploy tool' },
      force: true,
    });
    expect(act(log, grantId, 'file.read', { action: { verb: 'file.read', tool: 'deploy  tool' } }).type).toBe(
      'ActionDenied',
    );
  });
});
