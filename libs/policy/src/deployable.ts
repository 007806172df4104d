import { UNENFORCED, unenforced } from '@bailiwick/authority/commands/deploy-policy';
import type { CheckedBundle } from './bundle';
import type { Problem } from './problem';

/** Returns what the owner of a log would refuse to deploy, each with its file and line. */
export function undeployable(bundle: CheckedBundle): Problem[] {
  return (bundle.value.catalog ?? []).flatMap((entry, i) =>
    UNENFORCED.filter((member) => entry[member] !== undefined).map((member) =>
      bundle.problemAt('catalog', i, [member], unenforced(member)),
    ),
  );
}
