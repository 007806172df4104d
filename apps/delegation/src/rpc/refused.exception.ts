import type { Answer } from '@bailiwick/contracts/commands/command';

type Refusal = Extract<Answer, { ok: false }>['refusal'];

/** Thrown by a pipe or handler to respond with a refusal. */
export class RefusedException extends Error {
  constructor(readonly refusal: Refusal) {
    super(`${refusal.code}: ${refusal.detail}`);
  }
}
