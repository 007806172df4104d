import { act, ROOMY } from '@bailiwick/authority/testing/harness';
import { deploy } from '@bailiwick/authority/testing/policies';
import type { Event } from '@bailiwick/contracts/events/event';
import { SealedLog } from '@bailiwick/receipts/testing/sealed-log';
import { findings } from './testing/findings';

function responded(): SealedLog {
  const log = new SealedLog();
  const limit = { most: 2, within: '1h' };
  const on = { canary: { verbs: ['vault.open'] } };
  deploy(log, {
    responders: [{ name: 'canary', on, do: 'suspend', select: 'tree', lasts: '1h', limit, says: 'look' }],
  });
  const { grantId } = log.open(ROOMY);
  act(log, grantId, 'vault.open');
  log.tickAll();
  act(log, grantId, 'file.read');
  return log;
}

describe('the audit of responders', () => {
  it('finds nothing in a log that keeps them', () => {
    expect(findings(responded())).toEqual([]);
  });

  it.each([
    ['a wider selector', 'RevocationRuleAdded', { selector: { agentClass: '*' } }, 'is not what a responder states'],
    ['a revocation', 'RevocationRuleAdded', { mode: undefined, until: undefined }, 'is not what a responder states'],
    ['another end', 'ResponderFired', { until: '2031-01-01T00:00:00.000Z' }, 'is not what a responder states'],
    ['another policy', 'ResponderFired', { responder: { name: 'canary', policy: 7 } }, 'is of version 7'],
    ['a suspension without a firing', 'ResponderFired', { did: 'prepare' }, 'does not state what it suspended'],
    ['a suspension of no responder', 'RevocationRuleAdded', { responder: undefined }, 'does not follow'],
  ])('finds %s', (_, type, forged, finding) => {
    const found = findings(responded(), (event: Event) => (event.type === type ? forged : undefined));
    expect(found.join('; ')).toContain(finding);
  });
});
