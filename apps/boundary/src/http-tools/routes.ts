import { err, ok, type Result } from '@bailiwick/core/result';
import { isMethod } from '../plain/head';
import type { Target } from '../plain/target';

/** A route of an API: a method and a path with parameters, as an entry of the catalog names it. */
export interface Route {
  /** its name in the catalog: `http__crm__GET /customers/:id` */
  readonly tool: string;
  readonly method: string;
  readonly steps: readonly Step[];
  readonly isFolder: boolean;
}

/** A segment of a route: a fixed name, a parameter for one segment, or at the end one for all that follow. */
type Step = { readonly name: string } | { readonly parameter: string } | { readonly rest: string };

/** The request that a route matches, with the values of the parameters of its path. */
export interface Matched {
  readonly route: Route;
  readonly path: Readonly<Record<string, string>>;
}

export const toolPrefix = (api: string): string => `http__${api}__`;

/**
 * Reads the routes of an API from the names of tools in a catalog. A pattern with `*` is no route, nor is a name that is
 * not a method and a path: the requests of neither are permitted.
 */
export function routesOf(api: string, tools: readonly string[]): Route[] {
  const prefix = toolPrefix(api);
  return tools.flatMap((tool) => {
    if (!tool.startsWith(prefix)) return [];
    const route = readRoute(tool.slice(prefix.length));
    return route.ok ? [{ ...route.value, tool }] : [];
  });
}

/** Reads a route such as `GET /customers/:id` or `GET /files/:path+`. */
export function readRoute(text: string): Result<Omit<Route, 'tool'>, string> {
  const [, method, path] = /^([A-Z]+) (\/.*)$/.exec(text) ?? [];
  if (!isMethod(method) || path === undefined) return err('is not a method and a path, such as GET /customers/:id');
  const parts = path === '/' ? [] : path.slice(1).split('/');
  const isFolder = parts.length > 0 && parts[parts.length - 1] === '';
  if (isFolder) parts.pop();
  const steps: Step[] = [];
  for (const [i, part] of parts.entries()) {
    const [, parameter, plus] = /^:([A-Za-z_][\w-]{0,63})(\+?)$/.exec(part) ?? [];
    if (parameter === undefined && (part === '' || /^:|[{}*?#%]/.test(part) || part === '.' || part === '..'))
      return err(`has the segment ${JSON.stringify(part)}, which is neither a name nor a parameter such as :id`);
    if (plus === '+' && i < parts.length - 1) return err('has a parameter for several segments before its end');
    if (parameter === undefined) steps.push({ name: part });
    else steps.push(plus === '+' ? { rest: parameter } : { parameter });
  }
  const names = steps.flatMap((each) => ('name' in each ? [] : ['rest' in each ? each.rest : each.parameter]));
  if (new Set(names).size < names.length) return err('has two parameters of one name');
  if (names.includes('__proto__')) return err('has a parameter that must not be called __proto__');
  return ok({ method, steps, isFolder });
}

/**
 * Finds the route of a request. Of several, the one counts that first has a name where the other has a parameter.
 * @returns undefined if no route matches
 */
export function matchRoute(routes: readonly Route[], method: string, target: Target): Matched | undefined {
  let best: Matched | undefined;
  for (const route of routes) {
    if (route.method !== method) continue;
    const path = valuesOf(route, target);
    if (path && (best === undefined || precedes(route, best.route))) best = { route, path };
  }
  return best;
}

function valuesOf({ steps, isFolder }: Route, target: Target): Record<string, string> | undefined {
  const { segments } = target;
  const last = steps[steps.length - 1];
  const hasRest = last !== undefined && 'rest' in last;
  if (hasRest ? segments.length < steps.length : segments.length !== steps.length || isFolder !== target.isFolder)
    return undefined;
  const values: [string, string][] = [];
  for (const [i, step] of steps.entries()) {
    const segment = segments[i] as string;
    if ('name' in step) {
      if (step.name !== segment) return undefined;
    } else if ('parameter' in step) values.push([step.parameter, segment]);
    else values.push([step.rest, segments.slice(i).join('/')]);
  }
  return Object.fromEntries(values);
}

const rankOf = (step: Step | undefined): number => {
  if (step === undefined) return 3;
  return 'name' in step ? 0 : 'parameter' in step ? 1 : 2;
};

function precedes(one: Route, other: Route): boolean {
  for (let i = 0; i < Math.max(one.steps.length, other.steps.length); i++) {
    const difference = rankOf(one.steps[i]) - rankOf(other.steps[i]);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
