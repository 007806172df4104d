import { PREDICATES } from './receipt';
import { RECEIPT_SCHEMAS } from './receipt-schema';

describe('the JSON Schema of a predicate', () => {
  it.each(Object.entries(PREDICATES))('%s is published, closed, and requires the events', (type, { schema: name }) => {
    const schema = RECEIPT_SCHEMAS.get(name);
    expect(schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: `https://bailiwick.dev/schemas/${name}`,
      type: 'object',
      additionalProperties: false,
    });
    expect(schema?.title).toContain(type);
    expect(schema?.required).toEqual(expect.arrayContaining(['principalRef', 'absent', 'doesNotProve', 'events']));
  });
});
