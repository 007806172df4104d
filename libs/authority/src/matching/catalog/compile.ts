import type { CatalogEntry } from '@bailiwick/contracts/policy/catalog-entry';
import { remembered } from '@bailiwick/core/memo';
import { err, ok, type Result } from '@bailiwick/core/result';
import { factsOf } from '../verbs/verb-meaning';
import { normalizeVerb } from '../verbs/verb';
import { wordsOf } from '../verbs/verb-words';
import { faultsOf, type CatalogFault } from './check';
import { factsOfEntry, joined, staged, UNKNOWN, type Facts } from './facts';
import { ToolIndex } from './tool-index';
import { VerbIndex } from './verb-index';

/** What decided the facts about a call. */
export type FoundBy = 'exact' | 'words' | 'pattern' | 'tool' | 'meaning' | 'doubt';

/** The facts about a call by its verb and its tool. */
export interface Found {
  readonly by: FoundBy;
  /** the facts, whatever states the verb and the tool */
  readonly facts: Facts;
  /** an entry, or the words of the verb, cover the verb */
  readonly classified: boolean;
  /** the facts by the tool alone, for a verb that is not classified: those that an enforcement point's word gives */
  readonly ofTool: Facts | undefined;
  /** the entry of the tool if it has one, otherwise that of the verb */
  readonly entry: CatalogEntry | undefined;
}

/** A compiled catalog. */
export interface Catalog {
  readonly entries: readonly CatalogEntry[];
  /** @param spelled a verb as the caller wrote it, or in its normal form */
  lookup(spelled: string, tool?: string): Found;
  /** Returns the entry that names a tool; undefined if none does. */
  entryOfTool(tool: string): CatalogEntry | undefined;
}

/** The number of verbs, and of tools, that each catalog caches. */
const FAMILIAR = 10_000;

interface Compiled {
  readonly entry: CatalogEntry;
  readonly facts: Facts;
}

/** Compiles the entries of a catalog, in the order of the bundle, or returns every fault in them. */
export function compileCatalog(entries: readonly CatalogEntry[]): Result<Catalog, CatalogFault[]> {
  const faults = faultsOf(entries);
  return faults.length > 0 ? err(faults) : ok(compile(entries));
}

function compile(entries: readonly CatalogEntry[]): Catalog {
  const compiled = entries.map((entry): Compiled => ({ entry, facts: factsOfEntry(entry) }));
  const verbs = new VerbIndex<Compiled>(
    compiled.flatMap((of) => (of.entry.match ?? []).map((text) => ({ pattern: verbOf(text), of }))),
  );
  const tools = new ToolIndex<Compiled>(compiled.flatMap((of) => (of.entry.tools ?? []).map((tool) => ({ tool, of }))));
  const ofVerb = remembered((spelled) => findVerb(verbs, spelled), FAMILIAR);
  const ofTool = remembered((tool) => findTool(tools, ofVerb, tool) ?? NONE, FAMILIAR);
  return {
    entries,
    lookup(spelled, tool) {
      const verb = ofVerb(spelled);
      if (tool === undefined) return verb;
      const found = ofTool(tool);
      return found === NONE ? verb : withTool(verb, found as Compiled);
    },
    entryOfTool: (tool) => (ofTool(tool) as Partial<Compiled>).entry,
  };
}
const NONE = {};

/**
 * An exact entry is complete. The facts of any other one are joined with those of the words of this verb, so that it
 * makes no verb milder than its words; and what is found by its words alone, with those of the pattern too.
 */
function findVerb(verbs: VerbIndex<Compiled>, spelled: string): Found {
  const verb = verbOf(spelled);
  const exact = verbs.findExact(verb);
  if (exact) return found('exact', exact.facts, exact);
  const { facts, doubt } = factsOf(wordsOf(spelled));
  const meaning = facts && staged(facts);
  const pattern = verbs.findPattern(verb);
  const byWords = verbs.findByWords(spelled);
  if (byWords) return found('words', joined(joined(byWords.facts, pattern?.facts), meaning), byWords);
  if (pattern) return found('pattern', joined(pattern.facts, meaning), pattern);
  if (meaning && meaning.effects.length > 0) return found('meaning', meaning);
  const unknown = staged({ ...UNKNOWN, labels: doubt ? UNKNOWN.labels : [] });
  return { ...found('doubt', joined(unknown, meaning)), classified: false };
}

const found = (by: FoundBy, facts: Facts, of?: Compiled): Found => ({
  by,
  facts,
  classified: true,
  ofTool: undefined,
  entry: of?.entry,
});

/** A tool is no milder than the verb that it stands for, and one of a pattern no milder than the words of its name. */
function findTool(tools: ToolIndex<Compiled>, ofVerb: (spelled: string) => Found, tool: string): Compiled | undefined {
  const match = tools.find(tool);
  if (!match) return undefined;
  const { entry, facts } = match.of;
  const verb = ofVerb(entry.verb as string);
  const least = verb.classified ? joined(facts, verb.facts) : facts;
  const words = match.isExact ? undefined : factsOf(wordsOf(segmented(tool))).facts;
  return { entry, facts: joined(least, words && staged(words)) };
}

/** A client puts the name of the server before that of the tool: `mcp__mail__delete_draft`. */
const segmented = (tool: string): string => tool.replace(/__|[/:]/g, '.');

/** The caller may not know the tool that it names: its facts are added to those of the verb. */
function withTool(verb: Found, tool: Compiled): Found {
  return {
    by: verb.classified ? verb.by : 'tool',
    facts: joined(verb.facts, tool.facts),
    classified: verb.classified,
    ofTool: verb.classified ? undefined : tool.facts,
    entry: tool.entry,
  };
}

const verbOf = (spelled: string): string => {
  const normal = normalizeVerb(spelled);
  return normal.ok ? normal.value : spelled;
};
