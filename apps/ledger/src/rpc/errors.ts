/** An error that the caller receives as a refusal, with this code and this message. */
export abstract class RefusedError extends Error {
  abstract readonly code: string;
}

/** The payload of a request does not match its schema. */
export class InvalidPayload extends RefusedError {
  readonly code = 'BAD_REQUEST';
}

/** The read models have not reached the requested position; an older answer would be wrong. */
export class NotYet extends RefusedError {
  readonly code = 'NOT_READY';
}

/** The stored event is not the one in the signed tree, so nothing can be derived from it. */
export class Altered extends RefusedError {
  readonly code = 'NOT_READY';
}

/** The result exceeds what one request may build or send. */
export class TooLarge extends RefusedError {
  readonly code = 'TOO_LARGE';
}

/** An event that the result depends on cannot be read. */
export class Unreadable extends RefusedError {
  readonly code = 'TREE_SET_ASIDE';

  constructor(position: number) {
    super(
      `the event at position ${position}, which the result depends on, cannot be read, so nothing is signed; run \`bailiwick log verify\` for the reason`,
    );
  }
}
