import { checkBundle } from '../bundle';

const check = (subjects: string) => checkBundle({ 'a.yaml': `subjects:\n${subjects}` });

describe('the section subjects of a bundle', () => {
  it('maps types of subjects to the names of people', () => {
    const checked = check('  - { type: user, prefix: "user:" }\n  - { type: staff.member, prefix: "user:staff-" }');
    expect(checked.ok && checked.value.value.subjects).toEqual([
      { type: 'user', prefix: 'user:' },
      { type: 'staff.member', prefix: 'user:staff-' },
    ]);
  });

  it.each([
    ['  - { type: user, prefix: "user:" }\n  - { type: user, prefix: "x:" }', 3, 'user is mapped twice'],
    ['  - { type: grant, prefix: "user:" }', 2, 'grant and run are the types of leases and runs'],
    ['  - { type: run, prefix: "user:" }', 2, 'grant and run are the types of leases and runs'],
    ['  - { type: user }', 2, 'prefix'],
    ['  - { type: user, prefix: "user:", trust: true }', 2, 'trust'],
  ])('is refused with its line: %j', (text, line, message) => {
    const checked = check(text);
    expect(checked.ok ? [] : checked.error).toMatchObject([{ line }]);
    expect(JSON.stringify(checked)).toContain(message);
  });
});
