import { FOLD_VERSION } from '../state/snapshot';
import { SHIPPED } from './shipped';

describe('the rules of the release', () => {
  it('keep of a tree what this fold version keeps; a change of it needs a new FOLD_VERSION', () => {
    // a snapshot of the same version must hold the state that a fold of the whole log would have
    expect([FOLD_VERSION, SHIPPED.id]).toEqual([24, 'deeb8b4a23ce44af']);
  });

  it('have different names, and one code each for rules that older events name', () => {
    expect(SHIPPED.list.map(({ name, code, outcome }) => [name, code, outcome])).toEqual([
      ['secret-exfiltration', 'SECRET_EXFILTRATION', 'deny'],
      ['exec-after-denied-escalation', 'EXEC_AFTER_DENIED_ESCALATION', 'deny'],
      ['lethal-trifecta', 'LETHAL_TRIFECTA', 'ask'],
      ['may-send-secret', 'MAY_SEND_SECRET', 'ask'],
      ['may-send-private', 'MAY_SEND_PRIVATE', 'ask'],
      ['fetch-after-private', 'FETCH_AFTER_PRIVATE', 'ask'],
      ['fetch-after-secret', 'FETCH_AFTER_PRIVATE', 'ask'],
      ['may-exec-after-denied-escalation', 'MAY_EXEC_AFTER_DENIED_ESCALATION', 'ask'],
      ['sending-in-flight', 'SENDING_IN_FLIGHT', 'deny'],
      ['may-send-in-flight', 'MAY_SEND_IN_FLIGHT', 'ask'],
      ['secret-value-sent', 'POLICY_RULE', 'deny'],
      ['file-posted', 'POLICY_RULE', 'ask'],
      ['mass-reads', 'POLICY_RULE', 'note'],
      ['permission-probing', 'POLICY_RULE', 'note'],
      ['spend-splitting', 'POLICY_RULE', 'ask'],
      ['slow-exfiltration', 'POLICY_RULE', 'ask'],
      ['delegation-storm', 'POLICY_RULE', 'note'],
      ['approval-shopping', 'POLICY_RULE', 'ask'],
    ]);
  });
});
