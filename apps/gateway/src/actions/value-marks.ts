import type { ActionRequest, OutcomeRequest } from '@bailiwick/contracts/actions/action';
import { LIMITS } from '@bailiwick/core/limits';
import { statedDigests, valueDigests } from '@bailiwick/core/value-digests';
import type { Caller } from '../auth/caller';
import type { Pseudonyms } from '../auth/pseudonyms';

/** What the marks of values are made with: one key per tenant. */
type Marks = Pick<Pseudonyms, 'value'>;
type Tenant = Pick<Caller, 'tenant'>;

/** A request or an outcome whose `values` are what is stored with its payload, with the digests that they are made of. */
export type Stated<T> = T & { readonly digests?: readonly string[] };

/**
 * Replaces the digests of values of the arguments by their HMACs, or makes them from the arguments. The digests themselves
 * go to the owner of the log, for rules that follow values.
 */
export function withValues(marks: Marks, caller: Tenant, request: ActionRequest): Stated<ActionRequest> {
  const { values, args } = request.action;
  if (values === undefined) return request;
  const stated = { ...request.action, values: marked(marks, caller, digestsOf(values, args)) };
  return { ...request, ...forRules(values, args, LIMITS.valuesPerCall), action: stated };
}

/** Does the same for the values of a result: `true` takes those of its preview. */
export function withResultValues(marks: Marks, caller: Tenant, outcome: OutcomeRequest): Stated<OutcomeRequest> {
  const { values, preview } = outcome;
  if (values === undefined) return outcome;
  const stated = marked(marks, caller, digestsOf(values, preview));
  return { ...outcome, ...forRules(values, preview, LIMITS.valuesPerResult), values: stated };
}

const digestsOf = (values: true | string[], json: unknown): string[] =>
  values === true ? valueDigests(json) : [...new Set(values)];

/** What rules compare. Without a preview, or of one of full length, nothing is stated: it is less than the result. */
function forRules(values: true | string[], json: unknown, most: number): { digests?: readonly string[] } {
  if (values !== true) return { digests: [...new Set(values)] };
  if (json === undefined || (typeof json === 'string' && json.length >= LIMITS.previewLength)) return {};
  const digests = statedDigests(json, most);
  return digests === undefined ? {} : { digests };
}

const marked = (marks: Marks, { tenant }: Tenant, digests: readonly string[]): string[] =>
  digests.map((digest) => marks.value(tenant, digest));
