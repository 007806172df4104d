import { fulfilled, fulfilledJson } from './obligations';

const RESULT = {
  content: [
    {
      _meta: { email: 'meta@x' },
      type: 'text',
      text: '{"rows":[{"name":"a","email":"a@x"},{"name":"b","email":"b@x"}]}',
    },
  ],
  structuredContent: {
    rows: [
      { name: 'a', email: 'a@x' },
      { name: 'b', email: 'b@x' },
    ],
  },
  'x-more': { rows: [{ email: 'more@x' }] },
};
const text = JSON.stringify(RESULT);
const remove = { kind: 'remove_fields' as const, fields: ['/rows/*/email'] };

describe('fulfilled', () => {
  it('removes fields from the structured content and from texts that are JSON, and leaves out members that it does not know', () => {
    const done = fulfilled(text, ['report-outcome', remove]);
    expect(done.ok && done.value).not.toContain('@x');
    expect(done.ok && JSON.parse(done.value)).toEqual({
      content: [{ type: 'text', text: '{"rows":[{"name":"a"},{"name":"b"}]}' }],
      structuredContent: { rows: [{ name: 'a' }, { name: 'b' }] },
    });
  });

  it('replaces values that must be redacted', () => {
    const done = fulfilled(text, [{ kind: 'redact', fields: ['/rows/*/email'] }]);
    expect(done.ok && done.value).not.toContain('@x');
    expect(done.ok && done.value.match(/\[redacted\]/g)).toHaveLength(4);
  });

  it.each<[string, unknown]>([
    ['is text but not JSON', { type: 'text', text: 'a@x' }],
    ['is an image', { type: 'image', data: 'AAAA', mimeType: 'image/png' }],
    ['is a resource', { type: 'resource', resource: { uri: 'x:y', text: '{}' } }],
    ['is null', null],
  ])('withholds a result of which a part %s', (_what, block) => {
    expect(fulfilled(JSON.stringify({ content: [block] }), [remove]).ok).toBe(false);
  });

  it.each([{ content: 'a@x' }, { content: [], structuredContent: 'a@x' }, { resultType: 'task', task: {} }])(
    'withholds a result of another form: %j',
    (result) => {
      expect(fulfilled(JSON.stringify(result), [remove]).ok).toBe(false);
    },
  );

  it('withholds what is nested too deeply to be written again', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    expect(fulfilledJson(deep, [remove]).ok).toBe(false);
    expect(fulfilled(JSON.stringify({ content: [{ type: 'text', text: deep }] }), [remove]).ok).toBe(false);
    expect(fulfilledJson(deep, [])).toEqual({ ok: true, value: deep });
  });

  it('withholds every result of a permit with an obligation that it does not apply', () => {
    expect(fulfilled(text, [{ kind: 'max_rows', rows: 1 }]).ok).toBe(false);
    expect(fulfilled(text, ['report-outcome'])).toEqual({ ok: true, value: text });
  });
});
