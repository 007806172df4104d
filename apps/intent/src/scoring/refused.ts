/** An error that the caller receives as a refusal, with this code and this message. */
export class RefusedError extends Error {
  constructor(
    readonly code: 'BAD_REQUEST' | 'PATTERN_INVALID' | 'NOT_READY',
    detail: string,
  ) {
    super(detail);
    this.name = 'RefusedError';
  }
}
