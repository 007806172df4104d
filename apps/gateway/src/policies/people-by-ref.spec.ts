import { canonicalize } from '@bailiwick/core/canonical';
import { peopleByRef } from './people-by-ref';

const refOf = (name: string): string => `ref_of_${name}`;

describe('a bundle with names of people', () => {
  it('has their refs instead, and keeps names of keys, refs, groups and roles', () => {
    const by = {
      people: ['user:ada@example.com', 'key:approver', 'ref_00000000000000000000000000'],
      groups: ['leads'],
    };
    const bundle = {
      approvals: [
        { name: 'payments', by, breakGlass: { people: ['user:ben@example.com'] } },
        { name: 'others', by: { roles: ['approver'] } },
        { name: 'anyone' },
      ],
      catalog: [{ match: ['parcel.track'], effects: ['read'], risk: 'low' }],
    };
    const { canonical, digest, people } = peopleByRef(canonicalize(bundle), refOf);
    expect(JSON.parse(canonical)).toEqual({
      ...bundle,
      approvals: [
        {
          name: 'payments',
          by: { ...by, people: ['ref_of_user:ada@example.com', ...by.people.slice(1)] },
          breakGlass: { people: ['ref_of_user:ben@example.com'] },
        },
        ...bundle.approvals.slice(1),
      ],
    });
    expect(canonical).not.toContain('"user:');
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(people.map(({ name }) => name)).toEqual(['user:ada@example.com', 'user:ben@example.com']);
    expect(peopleByRef(canonical, (name) => name)).toMatchObject({ canonical, digest });
  });

  it('stays the same without the section', () => {
    const text = canonicalize({ catalog: [] });
    expect(peopleByRef(text, refOf).canonical).toBe(text);
  });
});
