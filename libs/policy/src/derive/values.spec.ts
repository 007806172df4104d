import { hostOf, isAddress, isNamedIn, keyOfValue, namedBy } from './values';

describe('values of arguments', () => {
  it.each([
    ['https://www.example.com/', 'www.example.com'],
    ['Example.com/A', 'example.com/a'],
    ['41.0', '41'],
    [41, '41'],
    [' Ann  Lee ', 'ann lee'],
  ])('have one key in all spellings: %j', (value, key) => {
    expect(keyOfValue(value)).toBe(key);
  });

  it('are named by a task as whole words only', () => {
    expect(isNamedIn('Invite Ann to #general.', 'ann')).toBe(true);
    expect(isNamedIn('Invite Annabel', 'ann')).toBe(false);
    expect(isNamedIn('anything', '')).toBe(false);
  });

  it.each([
    'a@example.com',
    'https://example.com',
    'www.example.com',
    'example.com/x',
    'DE89370400440532013000',
    '+49 30 1234567',
  ])('are addresses: %s', (value) => expect(isAddress(value)).toBe(true));
  it.each(['notes.txt', 'Ann', '2024-05-15', '98.7', 'docs/a.md', 'acme/site', '10:00'])(
    'are no addresses: %s',
    (value) => expect(isAddress(value)).toBe(false),
  );

  it('have the host of the web that they really name', () => {
    expect(hostOf('https://example.com.evil.example/x')).toBe('example.com.evil.example');
    expect(hostOf('https://user@example.com/')).toBeUndefined();
  });

  it('are taken from a task if it names an address, a number or a quoted text', () => {
    expect(namedBy("Send 12.50 to ann@example.com, with the subject 'Lunch today'.")).toEqual([
      'Lunch today',
      '12.50',
      'ann@example.com',
    ]);
  });
});
