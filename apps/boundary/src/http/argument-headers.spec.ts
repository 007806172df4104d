import { compareArguments } from './argument-headers';
import { STATELESS } from './revisions';

const SCHEMA = {
  type: 'object',
  properties: {
    region: { type: 'string', 'x-mcp-header': 'Region' },
    in: { type: 'object', properties: { n: { type: 'integer', 'x-mcp-header': 'N' } } },
    sure: { type: 'boolean', 'x-mcp-header': 'Sure' },
    other: { type: 'string' },
  },
};
const ARGS = { region: 'Zürich', in: { n: 7 }, sure: true, other: 'x' };
const HEADERS = { 'mcp-param-region': '=?base64?WsO8cmljaA==?=', 'mcp-param-n': '7', 'mcp-param-sure': 'true' };
const faultOf = (headers: object, args: object = ARGS, revision = STATELESS): number | undefined => {
  try {
    compareArguments(SCHEMA, { ...args }, { ...headers }, revision);
    return undefined;
  } catch (error) {
    return (error as { code: number }).code;
  }
};

describe('headers that repeat arguments', () => {
  it.each<[string, object, object]>([
    ['are the arguments', HEADERS, ARGS],
    ['state the same whole number', { ...HEADERS, 'mcp-param-n': '7.0' }, ARGS],
    ['state the same large number', { ...HEADERS, 'mcp-param-n': '9007199254740992' }, { ...ARGS, in: { n: 2 ** 53 } }],
    ['state a number as it is written', { ...HEADERS, 'mcp-param-n': '1e+21' }, { ...ARGS, in: { n: 1e21 } }],
    ['are not stated for arguments that are not', {}, { other: 'x' }],
    ['are none for an argument that is an object or null', {}, { region: {}, in: null, sure: null }],
    ['are not known', { ...HEADERS, 'mcp-param-else': 'y' }, ARGS],
  ])('are taken if they %s', (_what, headers, args) => {
    expect(faultOf(headers, args)).toBeUndefined();
  });

  it.each<[string, object, object]>([
    ['another argument', { ...HEADERS, 'mcp-param-region': 'Bern' }, ARGS],
    ['another case', { ...HEADERS, 'mcp-param-sure': 'True' }, ARGS],
    ['another number', { ...HEADERS, 'mcp-param-n': '8' }, ARGS],
    ['another large number', { ...HEADERS, 'mcp-param-n': '9007199254740993' }, { ...ARGS, in: { n: 2 ** 53 } }],
    ['no number', { ...HEADERS, 'mcp-param-n': 'x' }, { ...ARGS, in: { n: 1e21 } }],
    ['the value in another encoding', { ...HEADERS, 'mcp-param-region': '=?base64?WsO8cmljaA?=' }, ARGS],
    ['a repeated header', { ...HEADERS, 'mcp-param-n': '7, 7' }, ARGS],
    ['an argument that is not there', HEADERS, { other: 'x' }],
    ['nothing for an argument that is', { ...HEADERS, 'mcp-param-sure': undefined }, ARGS],
  ])('are refused if they state %s', (_what, headers, args) => {
    expect(faultOf(headers, args)).toBe(-32020);
  });

  it('need not be there before 2026-07-28, and state nothing else if they are', () => {
    expect(faultOf({}, ARGS, '2025-11-25')).toBeUndefined();
    expect(faultOf({ 'mcp-param-region': 'Bern' }, ARGS, '2025-11-25')).toBe(-32020);
  });
});
