import { parentPort, workerData } from 'node:worker_threads';
import { compileCatalog, type Catalog } from '@bailiwick/authority/matching/catalog/compile';
import type { CatalogEntry } from '@bailiwick/contracts/policy/catalog-entry';
import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import type { PolicyChanges } from '@bailiwick/contracts/policy/policy-diff';
import { checkBundle, type BundleFiles, type CheckedBundle } from '@bailiwick/policy/bundle';
import { undeployable } from '@bailiwick/policy/deployable';
import { diffBundles } from '@bailiwick/policy/diff/bundle-diff';
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
  const problems = undeployable(bundle);
  if (problems.length > 0) return { problems, failed: false, digest };
  const failures = runPolicyTests(bundle);
  if (failures.length > 0) return { problems: failures, failed: true, digest };
  return against ? { canonical, digest, changes: compare(against, bundle) } : { canonical, digest };
}

/** A deployed bundle that this release cannot compile is compared as one without a catalog. */
function compare(value: PolicyBundle, bundle: CheckedBundle): PolicyChanges {
  return diffBundles({ value, catalog: compiled(value.catalog ?? []) }, bundle);
}

function compiled(entries: readonly CatalogEntry[]): Catalog {
  const result = compileCatalog(entries);
  return result.ok ? result.value : compiled([]);
}

parentPort?.postMessage(check(workerData as CheckJob));
