import { act, ROOMY } from '@bailiwick/authority/testing/harness';
import { drift, DRIFTING } from './testing/drifting-run';
import { ANN, claimsOf, SealedLog, words } from './testing/sealed-log';

describe('suspensions in a receipt', () => {
  it('are listed with actor and time of the resume', () => {
    const log = new SealedLog();
    const { runId, grantId } = log.open(DRIFTING);
    drift(log, runId);
    expect(claimsOf(log, runId)).toMatchObject({ ended: null, suspensions: [{ by: 'intent', resumedAt: null }] });
    log.now += 5_000;
    log.do('resume', { grantId, reasonCode: 'LOOKED', actor: ANN });
    log.do('suspend', { grantId, reasonCode: 'LOOK', actor: ANN });
    expect(claimsOf(log, runId).suspensions).toMatchObject([
      { by: 'intent', resumedAt: '2026-01-01T00:00:05.000Z' },
      { by: 'person:ann', resumedAt: null },
    ]);
  });
});

describe('escalations in a receipt', () => {
  it('are listed with reason, refused actions, requested limits and verdict', () => {
    const log = new SealedLog();
    const { runId, grantId } = log.open({ ...ROOMY, actions: { allow: ['file.*'], deny: ['file.drop'] } });
    const tried = [act(log, grantId, 'email.send'), act(log, grantId, 'file.drop')].map(({ actionId }) => actionId);
    const ask = (reason: string): void => {
      const want = { actions: { allow: ['email.send'] } };
      log.do('escalate', { runId, want, payload: words({ reason }) });
    };
    ask('the report must be sent');
    log.do('decideApproval', {
      approvalId: log.last('ApprovalRequested').data.approvalId,
      verdict: 'deny',
      actor: ANN,
    });
    const later = act(log, grantId, 'email.send').actionId;
    log.now += 10 * 60_000; // until then the refusal is repeated
    ask('it really must');
    expect(claimsOf(log, runId).escalations).toMatchObject([
      {
        reason: 'the report must be sent',
        tried,
        verdict: 'deny',
        wanted: { actions: { allow: ['email.send', 'file.*'] } },
      },
      { reason: 'it really must', tried: [...tried, later], verdict: 'pending' },
    ]);
  });
});
