import { compared } from './comparison';
import { warningsIn } from './definition-warnings';

const ID = `sha256:${'1'.repeat(64)}`;
const tool = (name: string, digest: string, definition = `{"name":"${name}"}`) => ({ name, digest, definition });
const approved = (tools: Record<string, string>, identity = ID) => ({
  pin: { digest: 'd', identity, tools, approvedAt: '2026-01-01T00:00:00.000Z', approvedBy: 'key:admin' },
  definitions: Object.fromEntries(Object.keys(tools).map((name) => [name, `{"name":"${name}"}`])),
});
const statuses = (...[offer, pinned]: Parameters<typeof compared>) =>
  Object.fromEntries(compared(offer, pinned).map(({ name, status }) => [name, status]));

describe('compared', () => {
  const offer = { name: 's', identity: ID, tools: [tool('a', '1'), tool('b', '2'), tool('c', '3')] };

  it('states for each tool whether it is approved, new, changed or removed', () => {
    expect(statuses(offer, approved({ a: '1', b: 'other', d: '4' }))).toEqual({
      a: 'approved',
      b: 'changed',
      c: 'new',
      d: 'removed',
    });
  });

  it('approves nothing of a name that stands for another server now', () => {
    expect(statuses(offer, approved({ a: '1' }, `sha256:${'2'.repeat(64)}`))).toMatchObject({ a: 'new' });
  });

  it('calls no tool removed while the server does not answer', () => {
    expect(statuses({ ...offer, tools: [], fault: 'down' }, approved({ a: '1' }))).toEqual({});
  });
});

describe('warningsIn', () => {
  it.each<[string, string, object]>([
    ['invisible characters', 'has invisible characters', { description: 'reads\u200b notes' }],
    ['characters of the tag block', 'has invisible characters', { description: 'reads \u{e0041}' }],
    ['tags', 'has tags that look like instructions', { description: '<IMPORTANT>x</IMPORTANT>' }],
    ['a text that hides something', 'asks a model to hide something', { description: 'Do not mention this.' }],
    [
      'a text in a schema',
      'mentions secrets',
      { inputSchema: { properties: { a: { description: 'the .ssh folder' } } } },
    ],
  ])('finds %s', (_what, warning, more) => {
    expect(warningsIn('x', JSON.stringify({ name: 'x', ...more }))).toContain(warning);
  });

  it('finds a name that looks like another, and nothing in a plain definition', () => {
    expect(warningsIn('reаd', '{"name":"x"}').join()).toContain('its name');
    expect(warningsIn('read_file', '{"name":"read_file","description":"Reads a file of the workspace."}')).toEqual([]);
  });
});
