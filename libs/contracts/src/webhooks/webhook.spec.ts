import { accessCallback } from '../http/access-requests';
import { shownUrl, webhookUrl } from './webhook';

describe('webhookUrl', () => {
  const isAccepted = (url: string): boolean => webhookUrl.safeParse(url).success;

  it('is an address of HTTP without a user name and a fragment', () => {
    expect(isAccepted('https://siem.example.com/hook?token=x')).toBe(true);
    for (const refused of [
      'ftp://siem.example.com/',
      'https://me:pw@siem.example.com/',
      'https://me@siem.example.com/',
    ])
      expect([refused, isAccepted(refused)]).toEqual([refused, false]);
    expect(isAccepted('https://siem.example.com/#part')).toBe(false);
  });

  it('has no character that the database cannot store, as the address of a callback', () => {
    const endpoint = 'https://siem.example.com/\0';
    expect([isAccepted(endpoint), accessCallback.safeParse({ endpoint }).success]).toEqual([false, false]);
  });

  it('has a host that an event can record', () => {
    expect(isAccepted(`https://${'a'.repeat(300)}/`)).toBe(true);
    expect(isAccepted(`https://${'a'.repeat(301)}/`)).toBe(false);
  });
});

describe('shownUrl', () => {
  it.each([
    ['https://siem.example.com/bailiwick', 'https://siem.example.com/bailiwick'],
    [
      'https://siem.example.com/hook?token=hunter2&for=a',
      'https://siem.example.com/hook?token=%E2%80%A6&for=%E2%80%A6',
    ],
    ['https://siem.example.com/hook?hunter2', 'https://siem.example.com/hook?%E2%80%A6'],
    ['https://chat.example.com/services/T0/XyZ0123456789abcdef', 'https://chat.example.com/services/T0/XyZ0%E2%80%A6'],
  ])('shows %s as %s, without what may be a secret', (url, shown) => {
    expect(shownUrl(url)).toBe(shown);
  });
});
