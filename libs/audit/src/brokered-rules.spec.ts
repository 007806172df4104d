import { act, ROOMY } from '@bailiwick/authority/testing/harness';
import { SealedLog } from '@bailiwick/receipts/testing/sealed-log';
import { findings } from './testing/findings';

describe('the audit of brokered calls', () => {
  it('accepts a service whose class has another spelling as the id of a resource', () => {
    const log = new SealedLog();
    const everywhere = { ...ROOMY, resources: ['**', 'http://**'].map((match) => ({ type: '*', match })) };
    const caller = log.open(everywhere);
    const service = log.open(everywhere, { agent: { class: 'http://Tools.example' } });
    const call = act(log, caller.grantId, 'agent.call', { resource: { type: 'agent', id: 'http://tools.example' } });
    const served = act(log, service.grantId, 'file.read', { onBehalfOf: { actionId: call.actionId as string } });
    expect(served.type).toBe('ActionPermitted');
    expect(findings(log)).toEqual([]);
  });
});
