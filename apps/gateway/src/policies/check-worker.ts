import { parentPort, workerData } from 'node:worker_threads';
import { checkBundle, type BundleFiles } from '@bailiwick/policy/bundle';
import type { Problem } from '@bailiwick/policy/problem';
import { runPolicyTests } from '@bailiwick/policy/rehearsal/run-policy-tests';

/** The canonical text of a bundle without problems and its digest, or what is wrong with it. */
export type CheckResult =
  | { readonly canonical: string; readonly digest: string }
  | {
      readonly problems: readonly Problem[];
      /** the bundle has no other problem than tests that fail */
      readonly failed: boolean;
    };

function check(files: BundleFiles): CheckResult {
  const checked = checkBundle(files);
  if (!checked.ok) return { problems: checked.error, failed: false };
  const bundle = checked.value;
  const failures = runPolicyTests(bundle);
  if (failures.length > 0) return { problems: failures, failed: true };
  return { canonical: bundle.canonical, digest: bundle.digest };
}

parentPort?.postMessage(check(workerData as BundleFiles));
