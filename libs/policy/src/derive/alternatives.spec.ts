import { alternativesTo, objectOf } from './alternatives';

describe('objectOf', () => {
  it.each([
    ['files.search', 'file'],
    ['search_files_by_filename', 'file'],
    ['list_files', 'file'],
    ['get_unread_emails', 'email'],
    ['get_rating_reviews_for_hotels', 'hotel rating review'],
    ['read_inbox', 'inbox'],
    ['search', ''],
  ])('names what a verb is about: %s', (verb, object) => expect(objectOf(verb)).toBe(object));
});

describe('alternativesTo', () => {
  it('are verbs about the same as another one, and none of those that name nothing', () => {
    const others = ['get_emails', 'get_balance', 'search', 'get_email_addresses'];
    expect([...alternativesTo(['search_emails', 'find'], others)]).toEqual(['get_emails']);
  });
});
