import type { SelectorBody } from '@bailiwick/contracts/http/bodies';

/** The fields that are always shown, and those that are shown on demand. */
export const MAIN = ['agentClass', 'agentInstance', 'modelVersion', 'principal', 'tool', 'verb'] as const;
export const MORE = [
  'purpose',
  'approver',
  'environment',
  'imageDigest',
  'resource',
  'treeId',
  'issuedAfter',
  'issuedBefore',
] as const;
export const FIELDS = [...MAIN, ...MORE] as const;
export type Field = (typeof FIELDS)[number];
export const TIMES: readonly string[] = ['issuedAfter', 'issuedBefore'];

/** What the address of the page states: a text of each field, `also` other classes, one per line, and `select` JSON. */
export const PARAMETERS = [...FIELDS, 'also', 'select'] as const;
export type Search = Readonly<Partial<Record<string, string | undefined>>>;

export interface Chosen {
  readonly selector: SelectorBody;
  /** the fields that have another form than they need */
  readonly faults: readonly string[];
}

/** The selector that the fields state. Each field that is filled must match; a time is sent in UTC. */
export function selectorOf(search: Search): Chosen {
  const faults: string[] = [];
  const read = (name: string, form: (text: string) => object | undefined): object => {
    const text = search[name]?.trim() ?? '';
    if (text === '') return {};
    const part = form(text);
    if (!part) faults.push(name);
    return part ?? {};
  };
  const parts = FIELDS.map((field) =>
    read(field, (text) => {
      if (TIMES.includes(field)) return timeOf(field, text);
      return field === 'resource' ? resourceOf(text) : { [field]: text };
    }),
  );
  const selector = Object.assign({}, read('select', jsonOf), ...parts) as SelectorBody;
  return { selector: withClasses(selector, classesOf(search)), faults };
}

/** The other classes that are stopped as well. */
export const classesOf = ({ also = '' }: Search): string[] => also.split('\n').filter((name) => name !== '');

/** Whether a selector names a verb or a tool, which can be denied instead of ending leases. */
export const namesVerb = ({ tool, verb }: SelectorBody): boolean => tool !== undefined || verb !== undefined;

function withClasses({ agentClass, ...rest }: SelectorBody, also: readonly string[]): SelectorBody {
  if (agentClass === undefined) return rest;
  if (also.length === 0) return { agentClass, ...rest };
  const any = [agentClass, ...also].map((name) => ({ agentClass: name }));
  if (rest.any === undefined) return { ...rest, any };
  return { ...rest, all: [...(rest.all ?? []), { any }] };
}

function timeOf(field: string, text: string): object | undefined {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? undefined : { [field]: time.toISOString() };
}

function resourceOf(text: string): object | undefined {
  const colon = text.indexOf(':');
  if (colon < 1 || colon === text.length - 1) return undefined;
  return { resource: { type: text.slice(0, colon), match: text.slice(colon + 1) } };
}

function jsonOf(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
