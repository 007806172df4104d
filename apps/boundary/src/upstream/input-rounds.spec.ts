import { NotReached, UpstreamGone, type RequestOptions, type UpstreamAnswer } from './connection';
import { inRounds } from './input-rounds';

const WHO = { method: 'elicitation/create', params: { message: 'Who?' } };
const ROOTS = { method: 'roots/list', params: {} };
const result = (value: object): UpstreamAnswer => ({ ok: true, result: JSON.stringify(value) });
const asks = (inputRequests: unknown, requestState?: unknown): UpstreamAnswer =>
  result({ resultType: 'input_required', inputRequests, requestState });
const DONE = result({ resultType: 'complete', content: [] });

/** A server that gives these answers in turn, and then the last one again and again. */
function serving(...answers: (UpstreamAnswer | Error)[]) {
  const received: object[] = [];
  const send = (more: object): Promise<UpstreamAnswer> => {
    const answer = answers[Math.min(received.length, answers.length - 1)] as UpstreamAnswer;
    received.push(more);
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  return { send, received };
}
const accept = (requests: readonly { key: string }[]) =>
  Promise.resolve(requests.map(({ key }) => ({ result: { key } })));

const { signal } = new AbortController();

describe('inRounds', () => {
  it('ends with the abort of the call while its client is asked, and what is asked ends with it', async () => {
    const call = new AbortController();
    const { send, received } = serving(asks({ who: WHO }), DONE);
    let asking: AbortSignal | undefined;
    const input: RequestOptions['input'] = (_requests, ends) => {
      asking = ends;
      setImmediate(() => call.abort());
      return new Promise(() => undefined); // a client that never answers
    };
    await expect(inRounds(send, input, call.signal)).rejects.toThrow('the call was aborted');
    expect([asking?.aborted, received.length]).toEqual([true, 1]);
  });

  it('asks no client for a call that was aborted, and sends it no further', async () => {
    const { send, received } = serving(asks({ who: WHO }), DONE);
    const input = jest.fn(accept);
    await expect(inRounds(send, input, AbortSignal.abort())).rejects.toThrow('the call was aborted');
    expect([input.mock.calls.length, received.length]).toEqual([0, 1]);
  });

  it('returns a complete result without its type, and as it was written', async () => {
    const { send } = serving({ ok: true, result: '{"resultType":"complete","n":1.50, "m" : [ 1 ]}' });
    expect(await inRounds(send, undefined, signal)).toEqual({ ok: true, result: '{"n":1.50,"m":[ 1 ]}' });
    const error: UpstreamAnswer = { ok: false, error: { code: -32000, message: 'no' } };
    expect(await inRounds(serving(error).send, undefined, signal)).toBe(error);
  });

  it('gives each round the input that it asks for, and the state of the last one', async () => {
    const { send, received } = serving(
      asks({ who: WHO, __proto__x: ROOTS }, 'one'),
      asks({ roots: ROOTS }),
      asks({}, 'two'),
      DONE,
    );
    expect(await inRounds(send, accept, signal)).toEqual(result({ content: [] }));
    expect(received).toEqual([
      {},
      { inputResponses: { who: { key: 'who' }, __proto__x: { key: '__proto__x' } }, requestState: 'one' },
      { inputResponses: { roots: { key: 'roots' } } },
      { inputResponses: {}, requestState: 'two' },
    ]);
  });

  it('keeps a key that every object inherits', async () => {
    const { send, received } = serving(
      { ok: true, result: '{"resultType":"input_required","inputRequests":{"__proto__":{"method":"roots/list"}}}' },
      DONE,
    );
    await inRounds(send, accept, signal);
    expect(JSON.stringify(received[1])).toBe('{"inputResponses":{"__proto__":{"key":"__proto__"}}}');
  });

  it('ends with the error of a client that gives no input, and may have been made', async () => {
    const { send, received } = serving(asks({ who: WHO }), DONE);
    const error = { code: -32001, message: 'the lease does not permit it' };
    expect(await inRounds(send, () => Promise.resolve([{ error }]), signal)).toEqual({
      ok: false,
      error,
      mayBeMade: true,
    });
    expect(received).toHaveLength(1);
  });

  it.each<[string, UpstreamAnswer, string]>([
    ['never stops asking', asks({ who: WHO }), 'too often'],
    [
      'asks for too much',
      asks(Object.fromEntries(Array.from({ length: 17 }, (_, i) => [i, ROOTS]))),
      'too much at a time',
    ],
    ['answers with another type', result({ resultType: 'task' }), 'of the type "task"'],
    ['asks for nothing', asks({}), 'malformed input'],
    ['asks with a list', asks([WHO]), 'malformed input'],
    ['asks without a method', asks({ who: { params: {} } }), 'malformed input'],
    ['has a state that is no text', asks({ who: WHO }, 7), 'malformed input'],
    ['has a state that is too long', asks({ who: WHO }, 'x'.repeat(65_537)), 'malformed input'],
  ])('ends with a failure if the server %s', async (_what, answer, message) => {
    const failure = inRounds(serving(answer).send, accept, signal);
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toBeInstanceOf(UpstreamGone);
  });

  it('reports a request as not sent in the first round only', async () => {
    const lost = new NotReached('the connection is closed');
    await expect(inRounds(serving(lost).send, accept, signal)).rejects.toBeInstanceOf(NotReached);
    const later = inRounds(serving(asks({ who: WHO }), lost).send, accept, signal);
    await expect(later).rejects.not.toBeInstanceOf(NotReached);
    await expect(later).rejects.toBeInstanceOf(UpstreamGone);
  });
});
