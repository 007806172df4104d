import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import { ClientAnswers } from './client-answers';

const of = (grantId: string, tenant = 'default'): TokenClaims => ({ tenant, grantId }) as TokenClaims;

describe('ClientAnswers', () => {
  const answers = new ClientAnswers();

  it('wait for as many answers of a lease as the limit states, and leave the rest to others', async () => {
    const ending = new AbortController();
    const ids = Array.from({ length: BOUNDARY_LIMITS.askedPerLease }, (_, i) => `srv_${i}`);
    const waiting = ids.map((id) => answers.wait(of('grt_1'), id, ending.signal));
    await expect(answers.wait(of('grt_1'), 'one more', ending.signal)).rejects.toThrow('cannot be asked now');
    const other = answers.wait(of('grt_2'), 'srv_0', ending.signal);
    answers.take(of('grt_2'), { id: 'srv_0', answer: { result: 'theirs' } });
    expect(await other).toEqual({ result: 'theirs' });
    // an answer that comes twice is one
    for (const result of ['first', 'second']) answers.take(of('grt_1'), { id: 'srv_0', answer: { result } });
    expect(await waiting[0]).toEqual({ result: 'first' });
    const next = answers.wait(of('grt_1'), 'next', ending.signal);
    await expect(answers.wait(of('grt_1'), 'one more', ending.signal)).rejects.toThrow('cannot be asked now');
    ending.abort();
    await expect(next).rejects.toThrow('aborted');
    const all = await Promise.allSettled(waiting);
    expect(all.filter(({ status }) => status === 'rejected')).toHaveLength(BOUNDARY_LIMITS.askedPerLease - 1);
    const again = answers.wait(of('grt_1'), 'again', new AbortController().signal);
    answers.take(of('grt_1'), { id: 'again', answer: { result: {} } });
    expect(await again).toEqual({ result: {} });
  });

  it('wait for as many answers of a tenant as the limit states, so that others can be asked', async () => {
    const ending = new AbortController();
    const waiting = Array.from({ length: BOUNDARY_LIMITS.askedPerTenant }, (_, i) =>
      answers.wait(of(`grt_${i % 20}`, 'large'), `srv_${i}`, ending.signal),
    );
    await expect(answers.wait(of('grt_new', 'large'), 'more', ending.signal)).rejects.toThrow('cannot be asked now');
    const other = answers.wait(of('grt_0', 'small'), 'srv_0', ending.signal);
    answers.take(of('grt_0', 'small'), { id: 'srv_0', answer: { result: 'theirs' } });
    expect(await other).toEqual({ result: 'theirs' });
    ending.abort();
    await Promise.allSettled(waiting);
    const again = answers.wait(of('grt_new', 'large'), 'again', new AbortController().signal);
    answers.take(of('grt_new', 'large'), { id: 'again', answer: { result: {} } });
    expect(await again).toEqual({ result: {} });
  });
});
