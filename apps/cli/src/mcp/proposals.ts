import { RISKS, type Effect, type Risk } from '@bailiwick/contracts/grants/grant';
import type { CatalogEntry } from '@bailiwick/contracts/policy/catalog-entry';
import { DEFAULT_CATALOG } from '@bailiwick/policy/default-catalog';

interface Annotations {
  readonly destructiveHint?: unknown;
  readonly openWorldHint?: unknown;
  readonly readOnlyHint?: unknown;
}

/**
 * Proposes an entry of the catalog for each tool of a server, by what the default policy makes of its name. The annotations
 * of the server are claims of a third party: they only add to the effects and the risk.
 */
export function proposalsFor(server: string, definitions: readonly string[]): CatalogEntry[] {
  return definitions.map((text) => {
    const { name, annotations = {} } = JSON.parse(text) as { name: string; annotations?: Annotations };
    const { facts } = DEFAULT_CATALOG.lookup(name);
    const effects = new Set<Effect>(facts.effects);
    let { risk } = facts;
    if (annotations.readOnlyHint === false || annotations.destructiveHint === true) effects.add('write');
    if (annotations.openWorldHint === true) effects.add('external');
    if (annotations.destructiveHint === true) risk = higher(risk, 'high');
    if (annotations.openWorldHint === true) risk = higher(risk, 'medium');
    return {
      tools: [`mcp__${server}__${name}`],
      verb: `${server}.${name.replaceAll('-', '_')}`,
      effects: [...effects],
      risk,
      ...(facts.labels.length === 0 ? {} : { labels: [...facts.labels] }),
    };
  });
}

const higher = (a: Risk, b: Risk): Risk => (RISKS.indexOf(a) >= RISKS.indexOf(b) ? a : b);
