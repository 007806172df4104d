import { completionOperation, resourceOperation } from './operations';

const completed = (uri: unknown): string | undefined => {
  const operation = completionOperation('s', {
    ref: { type: 'ref/resource', uri },
    argument: { name: 'x', value: '' },
  });
  return operation.ok ? operation.value.resource.id : undefined;
};
const read = (uri: string): string | undefined => {
  const operation = resourceOperation('s', { uri });
  return operation.ok ? operation.value.resource.id : undefined;
};

describe('the resource of a completion', () => {
  it.each(['test://host/a/b', 'file:///etc/keys', 'https://host/a', 'test:///a'])(
    'is that of its template before the first variable, as when %s is read',
    (literal) => {
      expect(read(literal)).toBeDefined();
      for (const variable of ['{x}', '{+path}', 'name-{x}/{y}'])
        expect(completed(`${literal}/${variable}`)).toBe(read(literal));
    },
  );

  it.each(['test://{x}', 'file:///{+path}', 'test:{x}', '{+uri}'])('is all of the server for %s', (template) => {
    expect(completed(template)).toBe('s/resources');
  });

  it.each(['file:///etc/../keys/{x}', 'file://localhost/etc/{x}', 'test://a/%2e%2e/{x}', 'test://a//b/{x}'])(
    'is none for %s, which a server would read as another',
    (template) => {
      expect(completed(template)).toBeUndefined();
    },
  );
});
