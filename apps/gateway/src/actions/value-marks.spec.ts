import type { ActionRequest } from '@bailiwick/contracts/actions/action';
import { LIMITS } from '@bailiwick/core/limits';
import { valueDigests } from '@bailiwick/core/value-digests';
import { Pseudonyms } from '../auth/pseudonyms';
import { withResultValues, withValues } from './value-marks';

const marks = new Pseudonyms(Buffer.alloc(32, 7));
const ann = { tenant: 'default' };
const request = (action: Partial<ActionRequest['action']>): ActionRequest => ({
  grantId: 'grt_0_x',
  action: { verb: 'email.send', ...action },
  resource: { type: 'mailbox', id: 'a' },
});
const ofArgs = (action: Partial<ActionRequest['action']>, caller = ann): unknown =>
  withValues(marks, caller, request(action)).action.values;

describe('the marks of values', () => {
  const args = { to: 'ann@example.com' };

  it('are the same from arguments, from their digests and from a result, and reveal neither value nor digest', () => {
    const [fromArgs, digests] = [ofArgs({ args, values: true }), valueDigests(args)];
    expect(ofArgs({ argsDigest: `sha256:${'0'.repeat(64)}`, values: digests })).toEqual(fromArgs);
    const result = { status: 'completed', preview: 'Reply to ann@example.com!', values: true } as const;
    expect(withResultValues(marks, ann, result).values).toEqual(expect.arrayContaining(fromArgs as string[]));
    expect(fromArgs).toEqual([expect.stringMatching(/^[\w-]{16}$/)]);
    expect(JSON.stringify(fromArgs)).not.toContain((digests[0] as string).slice(7, 20));
  });

  it('differ between tenants and between keys', () => {
    const other = new Pseudonyms(Buffer.alloc(32, 8));
    const own = ofArgs({ args, values: true });
    expect(ofArgs({ args, values: true }, { tenant: 'other' })).not.toEqual(own);
    expect(withValues(other, ann, request({ args, values: true })).action.values).not.toEqual(own);
  });

  it('leave the digests for rules, unless they cannot be all: of no preview, one of full length, or arguments that are too large', () => {
    const digestsOf = (preview: string | undefined) =>
      withResultValues(marks, ann, { status: 'completed', preview, values: true }).digests;
    expect(withValues(marks, ann, request({ args, values: true })).digests).toEqual(valueDigests(args));
    expect(withValues(marks, ann, request({ args: {}, values: true })).digests).toEqual([]);
    expect(withValues(marks, ann, request({ values: [] })).digests).toEqual([]);
    expect(digestsOf('ann@example.com')).toEqual(valueDigests(args));
    expect(digestsOf('x'.repeat(LIMITS.previewLength))).toBeUndefined();
    expect(digestsOf(undefined)).toBeUndefined();
    const large = { text: 'prose '.repeat(LIMITS.valueTextChars / 4) };
    expect(withValues(marks, ann, request({ args: large, values: true })).digests).toBeUndefined();
  });

  it('are not made for a request that does not ask for them', () => {
    const asked = request({ args });
    expect(withValues(marks, ann, asked)).toBe(asked);
  });
});
