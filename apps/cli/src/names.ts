import { named, type PersonNames } from '@bailiwick/contracts/people/person-names';

/** Returns a response as people read it: with the names that came with it in place of refs. `--json` prints it as it came. */
export function readable<T extends object>(response: T): T {
  const { names = {}, ...view } = response as T & { readonly names?: PersonNames };
  return named(view, names) as T;
}
