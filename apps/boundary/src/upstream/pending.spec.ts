import { BOUNDARY_LIMITS } from '../boundary-limits';
import { TooManyValues, UpstreamGone } from './connection';
import { parseMessage, Pending } from './pending';

const ANSWERS = [
  ['null as its error', { error: null }],
  ['a text as its error', { error: 'no' }],
  ['an error without a code', { error: { message: 'no' } }],
  ['neither a result nor an error', {}],
  ['a number as its result', { result: 7 }],
] as const;

describe('Pending', () => {
  it.each(ANSWERS)('fails the request that is answered with %s', async (_what, answer) => {
    const pending = new Pending();
    const { id, answer: waiting } = pending.add({ signal: new AbortController().signal }, () => undefined);
    const text = JSON.stringify({ jsonrpc: '2.0', id, ...answer });
    expect(pending.take(text, parseMessage(text) ?? {})).toBe('taken');
    await expect(waiting).rejects.toThrow(UpstreamGone);
  });
});

describe('parseMessage', () => {
  const levels = (count: number, rest: string) =>
    `{"jsonrpc":"2.0",${rest}:{"a":${'['.repeat(count)}"]}"${']'.repeat(count)}}}`;
  const most = BOUNDARY_LIMITS.messageDepth - 2;

  it('reads a message of as many levels as the limit states, whatever brackets its texts have', () => {
    for (const rest of ['"id":1,"result"', '"method":"a","params"', '"id":"x","method":"a","params"'])
      expect(parseMessage(levels(most, rest))).toMatchObject({ jsonrpc: '2.0' });
    expect(parseMessage(`{"jsonrpc":"2.0","method":"a","params":{"a":"${'[{'.repeat(1_000)}\\"["}}`)).toBeDefined();
  });

  it.each([most + 1, 100_000])('takes a request and a notification with %i levels of lists for no message', (count) => {
    for (const rest of ['"method":"a","params"', '"id":"x","method":"a","params"'])
      expect(parseMessage(levels(count, rest))).toBeUndefined();
  });

  it.each<[string, (count: number) => string]>([
    ['members', (count) => `{${Array.from({ length: count }, (_, i) => `"${i}":0`).join(',')}}`],
    ['items', (count) => `{"content":[${Array(count).fill('0').join(',')}]}`],
    ['levels and lists', (count) => `{"content":[${Array(count).fill('[]').join(',')}]}`],
  ])('fails the request whose answer has too many %s, without parsing it', async (_what, result) => {
    const pending = new Pending();
    const options = { signal: new AbortController().signal };
    const [large, small] = [1, 2].map(() => pending.add(options, () => undefined));
    const parse = jest.spyOn(JSON, 'parse');
    const text = `{"jsonrpc":"2.0","result":${result(BOUNDARY_LIMITS.messageValues)},"id":${large?.id}}`;
    const message = parseMessage(text);
    expect(Math.max(...parse.mock.calls.map(([each]) => each.length))).toBeLessThan(10);
    parse.mockRestore();
    pending.take(text, message ?? {});
    await expect(large?.answer).rejects.toThrow(TooManyValues);
    const fits = `{"jsonrpc":"2.0","result":${result(BOUNDARY_LIMITS.messageValues / 2 - 10)},"id":${small?.id}}`;
    pending.take(fits, parseMessage(fits) ?? {});
    expect(await small?.answer).toMatchObject({ ok: true });
  });

  it('takes a request and a notification with too many values for no message', () => {
    const params = `"params":{"a":[${Array(BOUNDARY_LIMITS.messageValues).fill('0').join(',')}]}`;
    for (const rest of ['', '"id":"x",'])
      expect(parseMessage(`{"jsonrpc":"2.0",${rest}"method":"a",${params}}`)).toBeUndefined();
    expect(parseMessage(`{"jsonrpc":"2.0","id":nonsense,${params}}`)).toBeUndefined();
  });

  it('fails the request whose answer is nested more deeply, and no other', async () => {
    const pending = new Pending();
    const options = { signal: new AbortController().signal };
    const [deep, failing, other] = [1, 2, 3].map(() => pending.add(options, () => undefined));
    for (const text of [
      levels(100_000, `"id":${deep?.id},"result"`),
      levels(100_000, `"id":${failing?.id},"error":{"code":1,"message":"m"},"more"`),
      `{"jsonrpc":"2.0","id":${other?.id},"result":{}}`,
    ])
      pending.take(text, parseMessage(text) ?? {});
    await expect(deep?.answer).rejects.toThrow(UpstreamGone);
    await expect(failing?.answer).rejects.toThrow(UpstreamGone);
    expect(await other?.answer).toEqual({ ok: true, result: '{}' });
  });

  it.each([
    '[]',
    'null',
    '7',
    '{}',
    '{"jsonrpc":"1.0","method":"a"}',
    '{"jsonrpc":"2.0","method":{"toString":1}}',
    '{"jsonrpc":"2.0","method":null}',
    '{"jsonrpc":"2.0","method":"a","params":null}',
    '{"jsonrpc":"2.0","method":"a","params":[1]}',
    '{"jsonrpc":"2.0","method":"a"',
  ])('takes %s for no message', (text) => {
    expect(parseMessage(text)).toBeUndefined();
  });
});
