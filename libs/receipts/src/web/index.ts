import { PURE_CRYPTO } from './pure-crypto';
import { verifyWith, type Verification, type VerifyOptions } from './verify-steps';

// The receipt verifier for browsers, workers and other environments without Node: plain JavaScript without built-in
// modules. It uses no globals except TextEncoder, TextDecoder, atob and btoa.

export { STEPS, type Step, type StepId, type Verification, type VerifyOptions } from './verify-steps';

/**
 * Verifies a receipt offline, in the same steps as on Node.
 * @param input the text of the file, or its parsed JSON if the parser rejected duplicate members
 * @param vkeys the log's verifier key, or all its keys after a rotation
 */
export const verifyReceipt = (
  input: unknown,
  vkeys: string | readonly string[],
  options: VerifyOptions = {},
): Verification => verifyWith(PURE_CRYPTO, input, vkeys, options);
