/** What a vector expects, and what Bailiwick decides about its translation. */
export type Verdict = 'permit' | 'deny';

/** The only reasons for which a vector may have no translation. */
export const INEXPRESSIBLE = {
  'cryptographic form': 'it is about the encoding or signature of a token, which a lease does not have',
  'regular expression': 'it matches a text by a regular expression',
  quantifier: 'it makes a statement about each element of a list other than which values it is among',
} as const;
/** The reasons for which a vector of a corpus is not about authority at all, with what it is about. */
export const OUTSIDE = {
  'identity binding': 'an outside verifier states whether a subject is bound to a key',
  'transport negotiation': 'a client did not activate an extension of its transport',
  'cost of verifying': 'the verifier limits the sum of the lifetimes in a chain, whatever the authority of its leaf',
} as const;

export class Inexpressible extends Error {
  constructor(readonly reason: keyof typeof INEXPRESSIBLE) {
    super(reason);
  }
}
export class Outside extends Error {
  constructor(readonly reason: keyof typeof OUTSIDE) {
    super(reason);
  }
}
/** Ends the translation of a vector: a delegation or the call was refused, or a person would be asked. */
export class Denied extends Error {
  /** @param stated the whole text of the answer, with its reasons */
  constructor(
    readonly codes: readonly string[],
    readonly stated = '',
  ) {
    super(codes.join(', '));
  }
}

export interface Row {
  readonly id: string;
  readonly expected: Verdict;
  readonly outcome: 'right' | 'wrong' | 'inexpressible' | 'outside';
  /** the codes of a denial, or the reason of a vector that was not decided */
  readonly because: readonly string[];
  readonly stated?: string;
}

/**
 * Decides the translation of one vector and compares. A denial is right only for a reason with the meaning of the
 * vector's: one of its codes must match.
 * @param expected the reasons of the denial that the vector expects, or `permit`
 */
export function compare(id: string, expected: 'permit' | RegExp, decide: () => void): Row {
  const row = { id, expected: expected === 'permit' ? expected : ('deny' as const) };
  try {
    decide();
    return { ...row, outcome: expected === 'permit' ? 'right' : 'wrong', because: [] };
  } catch (error) {
    if (error instanceof Inexpressible) return { ...row, outcome: 'inexpressible', because: [error.reason] };
    if (error instanceof Outside) return { ...row, outcome: 'outside', because: [error.reason] };
    if (!(error instanceof Denied)) throw error;
    const isRight = expected !== 'permit' && error.codes.some((code) => expected.test(code));
    const because = [...new Set(error.codes)];
    return { ...row, outcome: isRight ? 'right' : 'wrong', because, stated: error.stated };
  }
}

/** Finds the reasons that mean the same as one of a corpus. @throws Error if it has not been translated */
export function meaning(reasons: Readonly<Record<string, RegExp>>, theirs: string): RegExp {
  const ours = reasons[theirs];
  if (!ours) throw new Error(`no translation of the reason ${theirs}`);
  return ours;
}
