import { RISKS, type Effect, type Risk } from '@bailiwick/contracts/grants/grant';
import type { CatalogEntry } from '@bailiwick/contracts/policy/catalog-entry';
import { DEFAULT_CATALOG } from '@bailiwick/policy/default-catalog';
import type { Operation } from './open-api';

/** What a method adds to the effects and the risk, whatever the name of the operation promises. */
const METHODS: Readonly<Record<string, { readonly effects: readonly Effect[]; readonly risk: Risk }>> = {
  POST: { effects: ['write'], risk: 'medium' },
  PUT: { effects: ['write'], risk: 'medium' },
  PATCH: { effects: ['write'], risk: 'medium' },
  DELETE: { effects: ['write'], risk: 'high' },
};

/**
 * Proposes an entry of the catalog for each operation of an API, by what the default policy makes of its name, or of its
 * method and path if it has none. The method only adds to the effects and the risk. The resource is made of the parameters
 * of the path.
 */
export function proposalsFor(api: string, operations: readonly Operation[]): CatalogEntry[] {
  return operations.map(({ method, path, name = `${method.toLowerCase()}_${wordsOf(path)}` }) => {
    const spelled = name
      .replace(/[^A-Za-z0-9]+/g, '_')
      .replace(/^_+|_+$/g, '')
      .slice(0, 100);
    const { facts } = DEFAULT_CATALOG.lookup(spelled);
    const more = METHODS[method];
    const resource = resourceOf(path);
    return {
      // in the notation of routes in a policy, whose names have no braces
      tools: [`http__${api}__${method} ${path.replace(/\{([^{}]*)\}/g, ':$1')}`],
      verb: `${api}.${spelled}`,
      effects: [...new Set([...facts.effects, ...(more?.effects ?? [])])],
      risk: higher(facts.risk, more?.risk ?? 'low'),
      ...(facts.labels.length === 0 ? {} : { labels: [...facts.labels] }),
      ...(resource === undefined ? {} : { resource }),
    };
  });
}

const isParameter = (segment: string): boolean => segment.startsWith('{');
const wordsOf = (path: string): string =>
  path
    .split('/')
    .filter((each) => each !== '' && !isParameter(each))
    .join('_');

/** `/customers/{id}/orders/{order}` reaches the resource `{id}/{order}` of the type `orders`. */
function resourceOf(path: string): CatalogEntry['resource'] {
  const segments = path.split('/').filter((each) => each !== '');
  const parameters = segments.filter(isParameter);
  if (parameters.length === 0) return undefined;
  const last = segments.lastIndexOf(parameters[parameters.length - 1] as string);
  const type = segments.slice(0, last).findLast((each) => !isParameter(each)) ?? 'http';
  return { type, id: parameters.map((each) => `{/path/${each.slice(1, -1)}}`).join('/') };
}

const higher = (a: Risk, b: Risk): Risk => (RISKS.indexOf(a) >= RISKS.indexOf(b) ? a : b);
