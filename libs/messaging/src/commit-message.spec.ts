import fc from 'fast-check';
import { fromMessage, percentEncode, toMessage, type Announcement } from './commit-message';

fc.configureGlobal({ seed: 20260122 });

const commit: Announcement = { log: 'default/0', from: 17, next: 20, time: '2026-01-31T12:00:00.000Z' };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const sent = (of: Announcement) => {
  const { subject, headers, payload } = toMessage(of);
  return { subject, headers, data: bytes(payload) };
};

describe('a commit as a CloudEvents message in binary mode', () => {
  it('has exactly these headers and this data', () => {
    const { subject, headers, payload } = toMessage(commit);
    expect(subject).toBe('bailiwick.event.default.0');
    expect(Object.fromEntries([...headers].map(([name, values]) => [name, values[0]]))).toEqual({
      'Nats-Msg-Id': 'default/0:17-19',
      'ce-specversion': '1.0',
      'ce-id': 'default/0:17-19',
      'ce-source': '/log/default/0',
      'ce-type': 'dev.bailiwick.events-appended',
      'ce-time': '2026-01-31T12:00:00.000Z',
      'ce-subject': '17-19',
      'ce-datacontenttype': 'application/json',
    });
    expect(payload).toBe('{"from":17,"next":20}');
  });

  it('reads back exactly', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 40), fc.integer({ min: 1, max: 4_096 }), (from, count) => {
        const one = { ...commit, from, next: from + count };
        expect(fromMessage(sent(one))).toEqual(one);
      }),
    );
  });

  it('is ignored if its subject, its id and its data contradict each other (I9)', () => {
    const good = sent(commit);
    expect(fromMessage(good)).toEqual(commit);
    expect(fromMessage({ ...good, subject: 'bailiwick.event.other.0' })).toBeUndefined();
    expect(fromMessage({ ...good, subject: 'bailiwick.command.default.0' })).toBeUndefined();
    expect(fromMessage({ ...good, headers: undefined })).toBeUndefined();
    for (const data of ['{"from":17,"next":21}', '{"from":16,"next":20}'])
      expect(fromMessage({ ...good, data: bytes(data) })).toBeUndefined();
    for (const id of ['', '%', 'default/0:17', 'other/0:17-19']) {
      const { headers } = toMessage(commit);
      headers.set('ce-id', id);
      expect(fromMessage({ ...good, headers })).toBeUndefined();
    }
  });

  it.each([
    '',
    'null',
    '17',
    '[17,20]',
    '{"from":17}',
    '{"from":"17","next":"20"}',
    '{"from":17,"next":20,"head":30}',
    '{"from":17,"next":20',
  ])('is ignored if its data is %j', (data) => {
    expect(fromMessage({ ...sent(commit), data: bytes(data) })).toBeUndefined();
  });

  it.each([
    [-1, 3],
    [0.5, 3],
    [NaN, 3],
    [0, 2 ** 53],
    [3, 3],
    [4, 3],
  ])('is neither written nor read with positions from %d to %d', (from, next) => {
    expect(() => toMessage({ ...commit, from, next })).toThrow('not the positions of a commit');
    const headers = toMessage(commit).headers;
    headers.set('ce-id', `default/0:${from}-${next - 1}`);
    const data = bytes(JSON.stringify({ from, next }));
    expect(fromMessage({ subject: 'bailiwick.event.default.0', headers, data })).toBeUndefined();
  });

  it('is not written for an invalid log name', () => {
    expect(() => toMessage({ ...commit, log: 'a.b/0' })).toThrow('not a log name');
  });

  it('percent-encodes attribute values as the binding specifies', () => {
    expect(percentEncode('Euro € 😀')).toBe('Euro%20%E2%82%AC%20%F0%9F%98%80');
    expect(percentEncode('"a%b"\r\n')).toBe('%22a%25b%22%0D%0A');
    expect(percentEncode('/log/default/0:!~')).toBe('/log/default/0:!~');
  });
});
