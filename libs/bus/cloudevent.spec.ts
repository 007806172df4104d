import fc from 'fast-check';
import { fromMessage, percentEncode, toMessage, type AnnouncedEvent } from './cloudevent';

fc.configureGlobal({ seed: 20260122 });

const event: AnnouncedEvent = {
  log: 'default/0',
  position: 17,
  type: 'GrantIssued',
  time: '2026-01-31T12:00:00.000Z',
  body: '{"a": 1,  "ü":"\\u0000"}',
};
const sent = (of: AnnouncedEvent) => {
  const { subject, headers, payload } = toMessage(of);
  return { subject, headers, data: new TextEncoder().encode(payload) };
};

describe('an event as a CloudEvents message in binary mode', () => {
  it('is this, on the wire', () => {
    const { subject, headers, payload } = toMessage(event);
    expect(subject).toBe('bailiwick.event.default.0.GrantIssued');
    expect(Object.fromEntries([...headers].map(([name, values]) => [name, values[0]]))).toEqual({
      'Nats-Msg-Id': 'default/0:17',
      'ce-specversion': '1.0',
      'ce-id': 'default/0:17',
      'ce-source': '/log/default/0',
      'ce-type': 'dev.bailiwick.GrantIssued',
      'ce-time': '2026-01-31T12:00:00.000Z',
      'ce-subject': '17',
      'ce-datacontenttype': 'application/json',
    });
    expect(payload).toBe(event.body);
  });

  it('reads back exactly', () => {
    const text = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(fc.maxSafeNat(), text, (position, body) => {
        const one = { ...event, position, body };
        expect(fromMessage(sent(one))).toEqual(one);
      }),
    );
  });

  it('is none where the subject and the headers disagree (I9), a position is missing, or bytes are no UTF-8', () => {
    const good = sent(event);
    expect(fromMessage({ ...good, subject: 'bailiwick.event.other.0.GrantIssued' })).toBeUndefined();
    expect(fromMessage({ ...good, subject: 'bailiwick.command.default.0' })).toBeUndefined();
    expect(fromMessage({ ...good, headers: undefined })).toBeUndefined();
    expect(fromMessage({ ...good, data: new Uint8Array([0xff]) })).toBeUndefined();
    for (const subject of ['', '-1', '1.5', '1e3', '18', '%']) {
      const { headers } = toMessage(event);
      headers.set('ce-subject', subject);
      expect(fromMessage({ ...good, headers })).toBeUndefined();
    }
  });

  it('refuses what has no message', () => {
    for (const position of [-1, 0.5, NaN, 2 ** 53])
      expect(() => toMessage({ ...event, position })).toThrow('not a position');
    expect(() => toMessage({ ...event, log: 'a.b/0' })).toThrow('not a log name');
    expect(() => toMessage({ ...event, type: '*' })).toThrow('not an event type');
  });

  it('percent-encodes attribute values as the binding says', () => {
    expect(percentEncode('Euro € 😀')).toBe('Euro%20%E2%82%AC%20%F0%9F%98%80');
    expect(percentEncode('"a%b"\r\n')).toBe('%22a%25b%22%0D%0A');
    expect(percentEncode('/log/default/0:!~')).toBe('/log/default/0:!~');
  });
});
