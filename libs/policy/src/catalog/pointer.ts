import { remembered } from '@bailiwick/core/memo';

/**
 * Returns the value that a JSON pointer (RFC 6901) names, or undefined. Only own members count, so that no name of
 * JavaScript is one of the arguments.
 * @param pointer well-formed
 */
export function valueAt(args: unknown, pointer: string): unknown {
  let at = args;
  for (const step of stepsOf(pointer)) {
    if (Array.isArray(at)) at = /^(0|[1-9]\d{0,9})$/.test(step) ? (at[Number(step)] as unknown) : undefined;
    else if (typeof at === 'object' && at !== null && Object.hasOwn(at, step))
      at = (at as Record<string, unknown>)[step];
    else return undefined;
  }
  return at;
}

const stepsOf = remembered(
  (pointer): readonly string[] =>
    pointer
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~')),
  10_000,
);
