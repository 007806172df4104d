import { UpstreamGone } from './connection';
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
