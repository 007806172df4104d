import { compileCatalog, type Catalog } from '@bailiwick/authority/matching/catalog/compile';
import type { CatalogEntry } from '@bailiwick/contracts/policy/catalog-entry';
import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import { DIRECTIONS, type PolicyChanges, type SectionChange } from '@bailiwick/contracts/policy/policy-diff';
import { canonicalize } from '@bailiwick/core/canonical';
import { LIMITS } from '@bailiwick/core/limits';
import { diffApprovals } from './approvals-diff';
import { diffCatalogs } from './catalog-diff';

/** A bundle with its compiled catalog. */
export interface Compared {
  readonly value: PolicyBundle;
  readonly catalog: Catalog;
}

/** Compares a deployed bundle with another one. A bundle that this release cannot compile is one without a catalog. */
export function diffWith(deployed: PolicyBundle, bundle: Compared): PolicyChanges {
  return diffBundles({ value: deployed, catalog: compiled(deployed.catalog ?? []) }, bundle);
}

function compiled(entries: readonly CatalogEntry[]): Catalog {
  const result = compileCatalog(entries);
  return result.ok ? result.value : compiled([]);
}

/** Returns what one bundle states and the other does not, in lists of at most `LIMITS.policy.diffItems`. */
export function diffBundles(before: Compared, after: Compared): PolicyChanges {
  const catalog = diffCatalogs(before.catalog, after.catalog);
  const counts = Object.fromEntries(
    DIRECTIONS.map((each) => [each, catalog.filter(({ direction }) => direction === each).length]),
  ) as PolicyChanges['catalog']['counts'];
  const [was, is] = [before.value as Sections, after.value as Sections];
  const sections = [...new Set([...Object.keys(was), ...Object.keys(is)])].sort();
  return {
    same: canonicalize(was) === canonicalize(is),
    catalog: { counts, items: catalog.slice(0, LIMITS.policy.diffItems) },
    approvals: diffApprovals(before.value.approvals, after.value.approvals),
    sections: sections.flatMap((section) => {
      const change = diffSection(section, was[section] ?? [], is[section] ?? []);
      return change ? [change] : [];
    }),
  };
}

/**
 * Compares the rules about approvals again, of bundles that both name people by refs as a deployed one does.
 * @param changes of the same bundles
 */
export function withApprovalsOf(changes: PolicyChanges, before: PolicyBundle, after: PolicyBundle): PolicyChanges {
  const section = diffSection('approvals', before.approvals ?? [], after.approvals ?? []);
  const others = changes.sections.filter((each) => each.section !== 'approvals');
  return {
    ...changes,
    same: canonicalize(before) === canonicalize(after),
    approvals: diffApprovals(before.approvals, after.approvals),
    sections: [...others, ...(section ? [section] : [])].sort((a, b) => (a.section < b.section ? -1 : 1)),
  };
}

type Sections = Readonly<Record<string, readonly unknown[]>>;

/** Compares a section of any shape, by the names of its entries. The entries of the catalog are compared by meaning. */
function diffSection(
  section: string,
  before: readonly unknown[],
  after: readonly unknown[],
): SectionChange | undefined {
  const [was, is] = [byName(before), byName(after)];
  const isSame = (name: string): boolean => was.get(name) === is.get(name);
  const added = [...is.keys()].filter((name) => !was.has(name));
  const removed = [...was.keys()].filter((name) => !is.has(name));
  const changed = [...was.keys()].filter((name) => is.has(name) && !isSame(name));
  const reordered =
    added.length + removed.length + changed.length === 0 && [...was.keys()].join('\n') !== [...is.keys()].join('\n');
  if (section === 'catalog' && !reordered) return undefined;
  if (!reordered && added.length + removed.length + changed.length === 0) return undefined;
  return { section, added: listed(added), removed: listed(removed), changed: listed(changed), reordered };
}

const listed = (names: readonly string[]): SectionChange['added'] => ({
  count: names.length,
  names: names.slice(0, LIMITS.policy.diffItems).map((name) => name.slice(0, LIMITS.nameLength)),
});

/** Returns the canonical JSON of each entry by its name; a second entry of a name has its number in the name. */
function byName(entries: readonly unknown[]): ReadonlyMap<string, string> {
  const named = new Map<string, string>();
  for (const entry of entries) {
    const text = canonicalize(entry);
    const name = nameOf(entry) ?? text;
    let unique = name;
    for (let i = 2; named.has(unique); i++) unique = `${name} (${i})`;
    named.set(unique, text);
  }
  return named;
}

const NAMES = ['name', 'class', 'id'] as const;
function nameOf(entry: unknown): string | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  const { cedar } = entry as { cedar?: unknown };
  // an entry of conditions has the ids of its policies
  if (typeof cedar === 'string')
    return [...cedar.matchAll(/@id\(\s*"([^"]*)"/g)].map(([, id]) => id).join(', ') || undefined;
  const values = NAMES.map((member) => (entry as Record<string, unknown>)[member]);
  return values.find((value) => typeof value === 'string');
}
