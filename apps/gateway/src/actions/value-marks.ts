import type { ActionRequest, OutcomeRequest } from '@bailiwick/contracts/actions/action';
import { valueDigests } from '@bailiwick/core/value-digests';
import type { Caller } from '../auth/caller';
import type { Pseudonyms } from '../auth/pseudonyms';

/** What the marks of values are made with: one key per tenant. */
type Marks = Pick<Pseudonyms, 'value'>;
type Tenant = Pick<Caller, 'tenant'>;

/** Replaces the digests of values of the arguments by their marks, or makes them from the arguments. */
export function withValues(marks: Marks, caller: Tenant, request: ActionRequest): ActionRequest {
  const { values, args } = request.action;
  if (values === undefined) return request;
  return { ...request, action: { ...request.action, values: marked(marks, caller, values, args) } };
}

/** Does the same for the values of a result: `true` takes those of its preview. */
export function withResultValues(marks: Marks, caller: Tenant, outcome: OutcomeRequest): OutcomeRequest {
  const { values, preview } = outcome;
  return values === undefined ? outcome : { ...outcome, values: marked(marks, caller, values, preview) };
}

const marked = (marks: Marks, { tenant }: Tenant, values: true | string[], json: unknown): string[] =>
  (values === true ? valueDigests(json) : [...new Set(values)]).map((digest) => marks.value(tenant, digest));
