import { NotAMessage, readMessage } from './message';

const read = (text: string) => readMessage(Buffer.from(text));
const params = (text: string) => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${text}}`;
const nested = (levels: number) => '{"a":'.repeat(levels) + '1' + '}'.repeat(levels);

describe('readMessage', () => {
  it.each<[string, string, number]>([
    ['a batch', `[${params('{}')}]`, -32600],
    ['a member that is repeated', params('{"name":"a","name":"b"}'), -32700],
    ['a repeated member inside the arguments', params('{"arguments":{"to":"a","to":"b"}}'), -32700],
    ['a number that changes when it is read', params('{"arguments":{"n":12345678901234567890}}'), -32700],
    ['a hidden member', params('{"arguments":{"__proto__":{"admin":true}}}'), -32700],
    ['arguments that are nested too deeply', params(nested(80)), -32602],
    ['too many values', params(`{"arguments":{"a":[${'1,'.repeat(20_000)}1]}}`), -32700],
    ['a nesting that exhausts a stack', '['.repeat(100_000), -32700],
    ['an id that is an object', '{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600],
    ['another version', '{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600],
    ['params that are a list', params('[]'), -32602],
    ['nothing', '', -32700],
  ])('refuses %s', (_what, text, code) => {
    expect(() => read(text)).toThrow(NotAMessage);
    try {
      read(text);
    } catch (error) {
      expect((error as NotAMessage).code).toBe(code);
    }
  });

  it.each<[string, object]>([
    ['"result":{"a":1}', { result: { a: 1 } }],
    ['"error":{"code":-1,"message":"no"}', { error: { code: -1, message: 'no' } }],
  ])('reads an answer of a client with %s', (text, answer) => {
    expect(read(`{"jsonrpc":"2.0","id":"srv_1",${text}}`)).toEqual({ id: 'srv_1', answer });
  });
});
