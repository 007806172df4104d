import { RefusedError } from '@bailiwick/platform/rpc/refused-error';

/** The read models have not reached the requested position; an older answer would be wrong. */
export class NotYet extends RefusedError {
  constructor(detail: string) {
    super('NOT_READY', detail);
  }
}

/** The stored event is not the one in the signed tree, so nothing can be derived from it. */
export class Altered extends RefusedError {
  constructor(detail: string) {
    super('NOT_READY', detail);
  }
}

/** The result exceeds what one request may build or send. */
export class TooLarge extends RefusedError {
  constructor(detail: string) {
    super('TOO_LARGE', detail);
  }
}

/** An event that the result depends on cannot be read. */
export class Unreadable extends RefusedError {
  constructor(position: number) {
    super(
      'TREE_SET_ASIDE',
      `the event at position ${position}, which the result depends on, cannot be read, so nothing is signed; run \`bailiwick log verify\` for the reason`,
    );
  }
}
