import type { Verification } from '../web/verify-steps';

/** The human-readable result of a verification, the same in every format. */
export interface Verdict {
  readonly state: 'verified' | 'broken' | 'unknown';
  readonly title: string;
  readonly says: readonly string[];
  /** one line per step, up to the one that failed */
  readonly steps: readonly { readonly ok: boolean; readonly text: string }[];
}

/**
 * @param verification absent if nothing was verified
 * @param keys the verifier keys used, one per line; a verification is as trustworthy as its keys
 */
export function verdictOf(verification: Verification | undefined, keys: string | undefined): Verdict {
  if (!verification)
    return {
      state: 'unknown',
      title: 'Not verified',
      says: ['No verifier key was given (--key), so nothing was checked. The rest of this page only repeats the file.'],
      steps: [],
    };
  const steps = verification.steps.map(({ ok, name, detail }) => ({ ok, text: `${name}: ${detail}` }));
  const withKeys = keys === undefined ? [] : [keysText(keys)];
  const failed = steps.find(({ ok }) => !ok);
  if (!verification.ok)
    return {
      state: 'broken',
      title: 'NOT VERIFIED',
      says: [`Do not trust anything on this page. Failed step: ${failed?.text ?? 'the verification'}`, ...withKeys],
      steps,
    };
  return { state: 'verified', title: 'Verified', says: withKeys, steps };
}

function keysText(keys: string): string {
  const all = keys.split('\n').filter((key) => key.trim() !== '');
  return `Checked with the verifier key${all.length > 1 ? 's' : ''} ${all.join(', ')}. Confirm with the operator that the log signs with ${all.length > 1 ? 'these keys' : 'this key'}.`;
}

/** Warns that anyone can forge the verification shown on a page or in a file. */
export const NO_PROOF =
  'This is a copy for reading and proves nothing on its own. Verify the original receipt offline: bailiwick receipt verify FILE --key KEY';
