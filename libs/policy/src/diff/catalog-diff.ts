import { isRelaxing } from '@bailiwick/authority/matching/catalog';
import type { Catalog, FoundBy } from '@bailiwick/authority/matching/catalog/compile';
import { factsOfEntry, type Facts } from '@bailiwick/authority/matching/catalog/facts';
import { toolKey } from '@bailiwick/authority/matching/catalog/tool-index';
import { normalizeVerbPattern } from '@bailiwick/authority/matching/verbs/verb';
import { containsAll } from '@bailiwick/authority/obligations/combine';
import { RISKS } from '@bailiwick/contracts/grants/grant';
import { STAGES, type CatalogEntry } from '@bailiwick/contracts/policy/catalog-entry';
import { DIRECTIONS, type CatalogChange, type Meaning } from '@bailiwick/contracts/policy/policy-diff';
import { canonicalize } from '@bailiwick/core/canonical';

/** The entries of a catalog by what they are about. */
interface Index {
  readonly verb: ReadonlyMap<string, CatalogEntry>;
  readonly tool: ReadonlyMap<string, CatalogEntry>;
  readonly pattern: ReadonlyMap<string, CatalogEntry>;
}
const ABOUT = ['verb', 'tool', 'pattern'] as const;

/** Returns what verbs, tools and patterns count as in one catalog and not in the other: milder ones first, then by name. */
export function diffCatalogs(before: Catalog, after: Catalog): CatalogChange[] {
  const [old, fresh] = [indexOf(before), indexOf(after)];
  const changes = ABOUT.flatMap((about) =>
    [...new Set([...old[about].keys(), ...fresh[about].keys()])].flatMap((name) => {
      const [was, is] = [old[about].get(name), fresh[about].get(name)];
      const change = changeOf(about, name, was, is, before, after);
      return change ? [change] : [];
    }),
  );
  const rank = ({ direction }: CatalogChange): number => DIRECTIONS.indexOf(direction);
  return changes.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : Number(a.name > b.name)));
}

function indexOf({ entries }: Catalog): Index {
  const index = { verb: new Map(), tool: new Map(), pattern: new Map() } as Record<
    (typeof ABOUT)[number],
    Map<string, CatalogEntry>
  >;
  for (const entry of entries) {
    for (const text of entry.match ?? []) {
      const normal = normalizeVerbPattern(text);
      const name = normal.ok ? normal.value : text;
      index[name.includes('*') ? 'pattern' : 'verb'].set(name, entry);
    }
    for (const tool of entry.tools ?? []) index.tool.set(toolKey(tool), entry);
  }
  return index;
}

function changeOf(
  about: CatalogChange['about'],
  name: string,
  was: CatalogEntry | undefined,
  is: CatalogEntry | undefined,
  before: Catalog,
  after: Catalog,
): CatalogChange | undefined {
  const members = was && is ? changedMembers(was, is) : [];
  const [from, to] = [meaningOf(about, name, was, was ?? is, before), meaningOf(about, name, is, is ?? was, after)];
  const direction = from && to ? directionOf(from, to) : 'other';
  if (was && is && members.length === 0 && direction === 'other') return undefined;
  return {
    about,
    name,
    change: was ? (is ? 'changed' : 'removed') : 'added',
    direction,
    ...(from ? { before: from } : {}),
    ...(to ? { after: to } : {}),
    members,
  };
}

/**
 * Returns what a name counts as: for a verb and a tool by the whole catalog, whether or not it has an entry of this name;
 * for a pattern by its entry alone.
 * @param own its entry in this catalog; `any` that of either
 */
function meaningOf(
  about: CatalogChange['about'],
  name: string,
  own: CatalogEntry | undefined,
  any: CatalogEntry | undefined,
  catalog: Catalog,
): Meaning | undefined {
  if (about === 'pattern') return own && meaning(factsOfEntry(own), 'pattern', own);
  if (about === 'verb') {
    const found = catalog.lookup(name);
    return meaning(found.facts, found.by, found.entry);
  }
  if (name.includes('*')) return own && meaning(factsOfEntry(own), 'tool', own);
  const verb = own?.verb ?? any?.verb ?? name;
  const found = catalog.lookup(verb, name);
  // an enforcement point that names a tool replaces the doubt about its verb
  return { ...meaning(found.ofTool ?? found.facts, own ? 'tool' : found.by, found.entry), verb };
}

const meaning = (
  { effects, risk, stage, labels, obligations }: Facts,
  by: FoundBy,
  entry: CatalogEntry | undefined,
): Meaning => ({
  effects: [...effects],
  risk,
  stage,
  labels: [...labels].sort(),
  ...(obligations === undefined ? {} : { obligations: [...obligations] }),
  ...(entry?.words === undefined ? {} : { words: entry.words }),
  ...(by === 'tool' && entry?.verb !== undefined ? { verb: entry.verb } : {}),
  by,
});

/**
 * Compares what decisions read. Reading is the mildest effect; the others have no order. A label makes a call stricter,
 * except one that relaxes, and so does an obligation.
 */
export function directionOf(before: Meaning, after: Meaning): CatalogChange['direction'] {
  const risk = RISKS.indexOf(after.risk) - RISKS.indexOf(before.risk);
  const stage = STAGES.indexOf(after.stage) - STAGES.indexOf(before.stage);
  const effects = [gained(after.effects, before.effects), gained(before.effects, after.effects)] as const;
  const labels = [beyond(after.labels, before.labels), beyond(before.labels, after.labels)] as const;
  const isStricter = (more: Meaning['effects'], less: Meaning['effects']): boolean =>
    more.some((effect) => effect !== 'read') || (more.length > 0 && less.length === 0);
  const [was, is] = [before.obligations ?? [], after.obligations ?? []];
  const tightens = (label: string): boolean => !isRelaxing(label);
  const stricter =
    isStricter(effects[0], effects[1]) ||
    risk > 0 ||
    stage > 0 ||
    labels[0].some(tightens) ||
    labels[1].some(isRelaxing) ||
    !containsAll(was, is);
  const milder =
    isStricter(effects[1], effects[0]) ||
    risk < 0 ||
    stage < 0 ||
    labels[1].some(tightens) ||
    labels[0].some(isRelaxing) ||
    !containsAll(is, was);
  if (milder && stricter) return 'mixed';
  return milder ? 'milder' : stricter ? 'stricter' : 'other';
}

const beyond = <T>(all: readonly T[], known: readonly T[]): T[] => all.filter((each) => !known.includes(each));
const gained = beyond<Meaning['effects'][number]>;

/** The lists of names identify an entry; they are not what it states. */
function changedMembers(before: CatalogEntry, after: CatalogEntry): string[] {
  const [{ match: _, tools: __, ...was }, { match: ___, tools: ____, ...is }] = [before, after];
  const [one, other] = [was as Record<string, unknown>, is as Record<string, unknown>];
  return [...new Set([...Object.keys(one), ...Object.keys(other)])]
    .filter((member) => canonicalize(one[member] ?? null) !== canonicalize(other[member] ?? null))
    .sort();
}
