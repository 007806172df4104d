import type { Answer } from '@bailiwick/contracts/commands/command';

type Refusal = Extract<Answer, { ok: false }>['refusal'];

/** Thrown by a pipe or a handler to answer a request of another service with a refusal. */
export class RefusedError extends Error {
  constructor(
    readonly code: Refusal['code'],
    detail: string,
  ) {
    super(detail);
    this.name = 'RefusedError';
  }
}

/** The payload of a request does not match its schema. */
export class InvalidPayload extends RefusedError {
  constructor(detail: string) {
    super('BAD_REQUEST', detail);
  }
}
