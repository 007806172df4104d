import {
  ADA,
  answer,
  ask,
  BEN,
  CAM,
  CAREFUL,
  decide,
  noted,
  payment,
  rule,
} from '@bailiwick/authority/testing/approvers';
import { custodyOf } from './custody';
import { renderCustody } from './render';
import { signed, statementOf, SealedLog, VKEY } from './testing/sealed-log';
import { readStory } from './story';
import { verifyReceipt } from './verify';

/** A run with a payment that two people approved for its target, and two calls by it. */
function paid(): { log: SealedLog; runId: string; approvalId: string; actions: string[] } {
  const log = new SealedLog();
  rule(log, { name: 'two', needed: 2, scopes: ['call', 'target'], breakGlass: { roles: ['approver'] } });
  const { runId, grantId } = log.open(CAREFUL);
  const { approvalId } = ask(log, grantId).data;
  for (const actor of [BEN, CAM]) answer(log, approvalId, actor, { scope: 'target', payload: noted('paid monthly') });
  const actions = [1, 2].map((cents) => {
    const { actionId = '' } = decide(log, grantId, payment(cents));
    log.do('settle', { actionId, outcome: { status: 'completed' } });
    return actionId;
  });
  return { log, runId, approvalId, actions };
}

describe('an approval by several people, of more than one call', () => {
  it('is in the custody of each call with all of them, and in the receipt', () => {
    const { log, runId, actions } = paid();
    for (const actionId of actions) {
      const custody = custodyOf(actionId, log.story());
      expect(custody.findings).toEqual([]);
      expect(custody.links.filter(({ link }) => link === 'approval').map(({ type }) => type)).toEqual([
        'ApprovalAnswered',
        'ApprovalGiven',
      ]);
      const text = renderCustody(custody).join('\n');
      expect(text).toContain(`approved by ${BEN.id}, 1 of 2 people`);
      expect(text).toContain(`approved by ${CAM.id} for the target`);
    }
    const statement = statementOf(log, runId);
    expect(verifyReceipt(signed(statement), VKEY).ok).toBe(true);
    expect(JSON.stringify(statement)).toContain(`"by":"${CAM.id}","also":["${BEN.id}"],"scope":"target"`);
  });

  it('covers no call after a person withdrew it, and none of another verb', () => {
    const { log, approvalId, actions } = paid();
    const story = log.story();
    const permit = log.events.find((event) => event.type === 'ActionPermitted' && event.actionId === actions[1]);
    const forged = log.events.map((event) =>
      event === permit && event.type === 'ActionPermitted'
        ? { ...event, data: { ...event.data, verb: 'payment.refund' } }
        : event,
    );
    expect(custodyOf(actions[1] as string, story).findings).toEqual([]);
    const entries = story.entries.map((entry, i) => ({ ...entry, event: forged[i] ?? entry.event }));
    expect(custodyOf(actions[1] as string, readStory(entries as never)).findings).toEqual([
      `approval ${approvalId} was given for something else than what it was used for (I8)`,
    ]);
  });

  it('is marked if one person approved alone in an emergency', () => {
    const { log, runId } = paid();
    const grantId = log.state.runs.get(runId)?.grantId ?? '';
    const alone = ask(log, grantId, payment(3, { resource: { type: 'account', id: 'other' } })).data.approvalId;
    answer(log, alone, ADA, { breakGlass: true, payload: noted('the bank closes') });
    const statement = statementOf(log, runId);
    expect(verifyReceipt(signed(statement), VKEY).ok).toBe(true);
    expect(JSON.stringify(statement)).toContain('"breakGlass":true,"note":"the bank closes"');
  });
});
