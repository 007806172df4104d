import { isOwnedBy } from './same-person';

it.each([
  ['user:ada@example.com', true],
  ['Ada@Example.com', true],
  ['user:ada\u200b@example.com', true],
  ['ada@example.org', false],
  ['team ada@example.com', false],
])('takes the owner %s for user:ada@example.com: %s', (owner, is) => {
  expect(isOwnedBy(owner, 'user:ada@example.com')).toBe(is);
});
