import type { ActionRequest } from '@bailiwick/contracts/actions/action';
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

  it('are not made for a request that does not ask for them', () => {
    const asked = request({ args });
    expect(withValues(marks, ann, asked)).toBe(asked);
  });
});
