import type { Verification } from '../web/verify';

/** How a verification went, in words for people; the same in every form of a receipt. */
export interface Verdict {
  readonly state: 'verified' | 'broken' | 'unknown';
  readonly title: string;
  readonly says: readonly string[];
  /** one line each, up to the one that failed */
  readonly steps: readonly { readonly ok: boolean; readonly text: string }[];
}

/**
 * @param verification left out, nothing was verified
 * @param keys the verifier keys it went by, a line each: what is verified is worth as much as they are
 */
export function verdictOf(verification: Verification | undefined, keys: string | undefined): Verdict {
  if (!verification)
    return {
      state: 'unknown',
      title: 'Not verified',
      says: ['Nothing was checked: no verifier key was named (--key). What follows is only what the file says.'],
      steps: [],
    };
  const steps = verification.steps.map(({ ok, name, detail }) => ({ ok, text: `${name}: ${detail}` }));
  const withKeys = keys === undefined ? [] : [keysText(keys)];
  const failed = steps.find(({ ok }) => !ok);
  if (!verification.ok)
    return {
      state: 'broken',
      title: 'NOT VERIFIED',
      says: [`Nothing that follows is to be believed. What failed: ${failed?.text ?? 'the verification'}`, ...withKeys],
      steps,
    };
  return { state: 'verified', title: 'Verified', says: withKeys, steps };
}

function keysText(keys: string): string {
  const all = keys.split('\n').filter((key) => key.trim() !== '');
  return `Checked with the verifier key${all.length > 1 ? 's' : ''} ${all.join(', ')}. Whether the log signs with ${all.length > 1 ? 'these' : 'this'}, you must know from elsewhere.`;
}

/** What a page or a file says of its own verification anybody can write. */
export const NO_PROOF =
  'This is a copy for reading and proves nothing by itself. The receipt that it was made from can be checked offline: bailiwick receipt verify FILE --key KEY';
