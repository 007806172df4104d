import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { signedHeaders } from './signature';

/** Verifies as a receiver does, from the text of the specification. */
function isVerified(secret: string, headers: Record<string, string>, body: string): boolean {
  const signed = `${headers['webhook-id'] ?? ''}.${headers['webhook-timestamp'] ?? ''}.${body}`;
  const expected = createHmac('sha256', Buffer.from(secret.slice(6), 'base64'))
    .update(signed)
    .digest('base64');
  return (headers['webhook-signature'] ?? '').split(' ').includes(`v1,${expected}`);
}
const secretOf = (bytes: Uint8Array): string => `whsec_${Buffer.from(bytes).toString('base64')}`;

describe('signedHeaders', () => {
  it('gives the signature of the example of Standard Webhooks', () => {
    const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}' };
    expect(signedHeaders(['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'], message, 1_614_265_330)).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('is verified with each of the secrets that sign, and with no other, nor for another body, id or time', () => {
    const secret = fc.uint8Array({ minLength: 24, maxLength: 64 }).map(secretOf);
    fc.assert(
      fc.property(
        fc.uniqueArray(secret, { minLength: 3, maxLength: 3 }),
        fc.string(),
        fc.nat(),
        ([one = '', two = '', other = ''], body, at) => {
          const headers = signedHeaders([one, two], { id: 'default/0:7', body }, at);
          expect([isVerified(one, headers, body), isVerified(two, headers, body)]).toEqual([true, true]);
          expect(isVerified(other, headers, body)).toBe(false);
          expect(isVerified(one, headers, `${body} `)).toBe(false);
          expect(isVerified(one, { ...headers, 'webhook-id': 'default/0:8' }, body)).toBe(false);
          expect(isVerified(one, { ...headers, 'webhook-timestamp': String(at + 1) }, body)).toBe(false);
        },
      ),
      { numRuns: 50 },
    );
  });
});
