import { PURE_CRYPTO } from './pure-crypto';
import { verifyWith, type Verification, type VerifyOptions } from './verify';

// The verifier of receipts for browsers, workers, and wherever else there is no Node: JavaScript alone, no built-in
// module, no global but TextEncoder, TextDecoder, atob and btoa.

export { STEPS, type Step, type StepId, type Verification, type VerifyOptions } from './verify';

/**
 * Checks a receipt offline. The same steps as on Node.
 * @param input the text of the file; or its JSON, parsed by whoever has seen to it that no member stands there twice
 * @param vkeys the log's verifier key; or its keys, where it was changed
 */
export const verifyReceipt = (
  input: unknown,
  vkeys: string | readonly string[],
  options: VerifyOptions = {},
): Verification => verifyWith(PURE_CRYPTO, input, vkeys, options);
