import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import type { Governed, GovernedRequests } from '../calls/governed';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import { UpstreamGone, type RequestOptions, type UpstreamAnswer } from '../upstream/connection';
import type { Upstream } from '../upstream/upstream';
import { Session, type Asker } from './session';

const { signal } = new AbortController();
const DONE: UpstreamAnswer = { ok: true, result: '{}' };

describe('Session', () => {
  let answer: (uri: unknown) => Promise<UpstreamAnswer>;
  let sent: unknown[];
  let session: Session;
  let notified: string[];
  const asker: Asker = { ask: () => Promise.reject(new Error('not asked')), notify: (method) => notified.push(method) };
  beforeEach(() => {
    [sent, notified] = [[], []];
    answer = () => Promise.resolve(DONE);
    const subscribe = (params: { uri: unknown }) => (sent.push(params.uri), answer(params.uri));
    const upstream = { name: 's', separately: () => ({ name: 's', subscribe }) } as unknown as Upstream;
    session = new Session({ claims: {} as TokenClaims, upstream }, {}, {} as GovernedRequests);
  });
  const subscribe = (uri: string) => session.subscribe({ uri }, { signal });
  const isAnnounced = (uri: string): boolean => {
    notified.splice(0);
    session.notified('notifications/resources/updated', { uri });
    return notified.length > 0;
  };

  it('subscribes to as many resources as the limit states, to those again, and to another after one has ended', async () => {
    const most = BOUNDARY_LIMITS.subscriptions;
    // all at once, so that none is counted only after its answer
    const answers = await Promise.all(Array.from({ length: most + 3 }, (_, i) => subscribe(`test://${i}`)));
    expect([answers.filter(({ ok }) => ok).length, sent.length]).toEqual([most, most]);
    expect(await subscribe('test://next')).toMatchObject({ ok: false, error: { code: -32602 } });
    expect((await subscribe('test://0')).ok).toBe(true);
    session.unsubscribed('test://0');
    expect((await subscribe('test://next')).ok).toBe(true);
  });

  it('announces no resource whose subscription failed, and still the one that it had before', async () => {
    session.attach(asker, 'stream');
    await subscribe('test://a');
    answer = () => Promise.resolve({ ok: false, error: { code: 1, message: 'no' } });
    await subscribe('test://b');
    await subscribe('test://a');
    answer = () => Promise.reject(new UpstreamGone('it died'));
    await expect(subscribe('test://c')).rejects.toThrow('it died');
    expect(['a', 'b', 'c'].map((each) => isAnnounced(`test://${each}`))).toEqual([true, false, false]);
  });

  it('passes log messages on only after a level was decided, to which the server agreed', async () => {
    const request = () => answer('level');
    const upstream = { name: 's', separately: () => ({ name: 's', request }) } as unknown as Upstream;
    session = new Session({ claims: {} as TokenClaims, upstream }, {}, {} as GovernedRequests);
    session.attach(asker, 'stream');
    const isLogged = async (): Promise<boolean> => {
      session.notified('notifications/message', { level: 'info', data: 'x' });
      return notified.splice(0).length > 0;
    };
    expect(await isLogged()).toBe(false);
    answer = () => Promise.resolve({ ok: false, error: { code: 1, message: 'no' } });
    await session.setLevel({ level: 'info' }, { signal, isReduced: false });
    expect(await isLogged()).toBe(false);
    answer = () => Promise.resolve(DONE);
    await session.setLevel({ level: 'info' }, { signal, isReduced: false });
    expect(await isLogged()).toBe(true);
  });

  it('asks a client on its stream only until the call ends for which the server asks', async () => {
    const call = new AbortController();
    let asked: AbortSignal | undefined;
    const ask = (_request: unknown, until: AbortSignal): Promise<never> => {
      asked = until;
      call.abort();
      return Promise.reject(new UpstreamGone('the request to the client was aborted'));
    };
    const input = { key: 'who', method: 'roots/list', params: {} };
    const request = async (_method: string, _params: object, options: RequestOptions): Promise<UpstreamAnswer> => {
      await options.input?.([input], options.signal);
      return DONE;
    };
    const upstream = { name: 's', separately: () => ({ name: 's', request }) } as unknown as Upstream;
    const run = (_claims: unknown, governed: Governed, signal: AbortSignal) =>
      governed.send({ signal, isReduced: false });
    session = new Session({ claims: {} as TokenClaims, upstream }, { roots: {} }, { run } as never);
    session.attach({ ...asker, ask }, 'stream');
    await session.send('tools/call', {}, { signal: call.signal, isReduced: false });
    expect(asked?.aborted).toBe(true);
  });

  it('has as many streams as the limit states, and another after one has ended', () => {
    const ends = Array.from({ length: BOUNDARY_LIMITS.streamsPerSession }, () => session.attach(asker, 'stream'));
    expect(() => session.attach(asker, 'stream')).toThrow('too many streams');
    session.attach(asker); // a request is none
    ends[0]?.();
    session.attach(asker, 'stream');
  });
});
