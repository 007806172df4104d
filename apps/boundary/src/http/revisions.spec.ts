import type { NotAMessage } from './message';
import { revisionOf } from './revisions';

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};
const HEADERS = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'read' };
const call = (more: object = {}) => ({ id: 1, method: 'tools/call', params: { name: 'read', _meta: META, ...more } });
const codeOf = (act: () => unknown): number | undefined => {
  try {
    act();
    return undefined;
  } catch (error) {
    return (error as NotAMessage).code;
  }
};

describe('revisionOf', () => {
  it('reads the revision of a request from its body', () => {
    expect(revisionOf(call(), HEADERS)).toBe('2026-07-28');
    expect(revisionOf({ id: 1, method: 'ping', params: {} }, {})).toBe('2025-11-25');
    expect(revisionOf({ id: 1, method: 'ping', params: {} }, { 'mcp-protocol-version': '2025-06-18' })).toBe(
      '2025-06-18',
    );
  });

  it('decodes a name that is no ASCII before it compares', () => {
    const encoded = `=?base64?${Buffer.from('lesen ☃').toString('base64')}?=`;
    expect(revisionOf(call({ name: 'lesen ☃' }), { ...HEADERS, 'mcp-name': encoded })).toBe('2026-07-28');
  });

  it.each<[string, Record<string, string | undefined>, object, number]>([
    ['another name than the body', { 'mcp-name': 'write' }, {}, -32020],
    ['a name in other letters', { 'mcp-name': 'Read' }, {}, -32020],
    ['no name', { 'mcp-name': undefined }, {}, -32020],
    ['another method', { 'mcp-method': 'tools/list' }, {}, -32020],
    ['another revision', { 'mcp-protocol-version': '2025-11-25' }, {}, -32020],
    ['a malformed encoding', { 'mcp-name': '=?base64?cmVhZA?=' }, {}, -32020],
    [
      'a revision that is not known',
      { 'mcp-protocol-version': '2030-01-01' },
      { _meta: { ...META, 'io.modelcontextprotocol/protocolVersion': '2030-01-01' } },
      -32022,
    ],
    ['no capabilities', {}, { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } }, -32602],
    ['a revision in the header alone', {}, { _meta: {} }, -32602],
  ])('refuses a request that states %s', (_what, headers, more, code) => {
    expect(codeOf(() => revisionOf(call(more), { ...HEADERS, ...headers }))).toBe(code);
  });

  it('refuses a name in the header of an earlier revision that differs from the body', () => {
    const old = { id: 1, method: 'tools/call', params: { name: 'read' } };
    expect(codeOf(() => revisionOf(old, { 'mcp-name': 'write' }))).toBe(-32020);
    expect(codeOf(() => revisionOf(old, { 'mcp-protocol-version': '2024-11-05' }))).toBe(-32022);
  });
});
