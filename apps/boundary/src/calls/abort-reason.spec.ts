import { AbortReason, deniedBy, reasonOf, REVOKED, STOPPING, UNHEARD } from './abort-reason';

const aborted = (reason?: unknown): AbortSignal => AbortSignal.abort(reason);

describe('the reason of an abort', () => {
  it.each([
    [REVOKED, 'GRANT_NOT_LIVE', 'the lease of the run is no longer live'],
    [UNHEARD, 'NOT_READY', 'the owner of the log has not been heard for too long, so that the lease may have ended'],
    [STOPPING, 'NOT_READY', 'the service is stopping'],
    [deniedBy('rev_1'), 'DENIED', 'its tool or verb is no longer permitted: denied by rev_1'],
  ])('"%s" has a code and a sentence, also as text', (reason, code, says) => {
    const found = reasonOf(aborted(reason));
    expect([found?.code, found?.says, String(found)]).toEqual([code, says, says]);
  });

  it('is none before the abort', () => {
    expect(reasonOf(new AbortController().signal)).toBeUndefined();
  });

  it.each([['no reason'], [undefined], [{ code: 'OK' }]])('that is not ours, as %j, is in doubt', (reason) => {
    const found = reasonOf(aborted(reason));
    expect(found).toBeInstanceOf(AbortReason);
    expect(found?.code).toBe('NOT_READY');
  });
});
