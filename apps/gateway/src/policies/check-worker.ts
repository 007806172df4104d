import { parentPort, workerData } from 'node:worker_threads';
import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import type { PolicyChanges } from '@bailiwick/contracts/policy/policy-diff';
import { checkBundle, type BundleFiles } from '@bailiwick/policy/bundle';
import { diffWith } from '@bailiwick/policy/diff/bundle-diff';
import type { Problem } from '@bailiwick/policy/problem';
import { runPolicyTests } from '@bailiwick/policy/rehearsal/run-policy-tests';

export interface CheckJob {
  readonly files: BundleFiles;
  /** a bundle to compare it with */
  readonly against?: PolicyBundle;
}

/** The canonical text of a bundle without problems and its digest, or what is wrong with it. */
export type CheckResult =
  | { readonly canonical: string; readonly digest: string; readonly changes?: PolicyChanges }
  | {
      readonly problems: readonly Problem[];
      /** the bundle has no other problem than tests that fail */
      readonly failed: boolean;
      readonly digest?: string;
    };

function check({ files, against }: CheckJob): CheckResult {
  const checked = checkBundle(files);
  if (!checked.ok) return { problems: checked.error, failed: false };
  const bundle = checked.value;
  const { canonical, digest } = bundle;
  const failures = runPolicyTests(bundle);
  if (failures.length > 0) return { problems: failures, failed: true, digest };
  return against ? { canonical, digest, changes: diffWith(against, bundle) } : { canonical, digest };
}

parentPort?.postMessage(check(workerData as CheckJob));
