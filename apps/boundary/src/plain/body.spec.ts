import { readContent } from './body';

const unreadOf = (bytes: Buffer, type: string | undefined): unknown => readContent(bytes, type).unread;

describe('a body that is not read', () => {
  it('has its text if it is a text', () => {
    expect(unreadOf(Buffer.from('see ü'), 'text/plain')).toBe('see ü');
    expect(unreadOf(Buffer.from('see it'), 'text/plain; charset=UTF-8')).toBe('see it');
  });

  it.each<[string, Buffer, string | undefined]>([
    ['of several parts', Buffer.from('--x\r\n\r\nwww.evil.example\r\n--x--'), 'multipart/form-data; boundary=x'],
    ['of another type', Buffer.from('<a href="//evil.example"/>'), 'application/xml'],
    ['without a type', Buffer.from('www.evil.example'), undefined],
    ['in another charset', Buffer.from('www.evil.example', 'utf16le'), 'text/plain; charset=utf-16'],
    ['in another charset that it does not state', Buffer.from('www.evil.example', 'utf16le'), 'text/plain'],
    ['that is no UTF-8', Buffer.from('Grüße', 'latin1'), 'text/plain'],
  ])('has none %s', (_, bytes, type) => {
    expect(readContent(bytes, type)).toMatchObject({ bodyDigest: expect.any(String), unread: null });
  });
});
