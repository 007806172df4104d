import { classify } from '@bailiwick/authority/matching/catalog';
import { normalizeResourceId } from '@bailiwick/authority/matching/pattern';
import { normalizeVerb } from '@bailiwick/authority/matching/verb';
import type { Effect } from '@bailiwick/contracts/grant';
import type { Call } from '@bailiwick/drift/memory';

/** A call that is about to be decided, as it was asked for. Understood as the decision will understand it. */
export interface AskedCall {
  readonly action: { readonly verb: string; readonly tool?: string | undefined; readonly effect?: Effect | undefined };
  readonly resource: {
    readonly type: string;
    readonly id: string;
    readonly attributes?: Readonly<Record<string, string | number | boolean>> | undefined;
  };
  readonly labels?: readonly string[] | undefined;
  readonly args?: unknown;
  /** an enforcement point asks */
  readonly vouched?: boolean | undefined;
}

/** @returns undefined where a name is malformed: the decision will refuse it */
export function callOfRequest({ action, resource, labels = [], args, vouched }: AskedCall): Call | undefined {
  const verb = normalizeVerb(action.verb);
  const id = normalizeResourceId(resource.id);
  if (!verb.ok || !id.ok) return undefined;
  const known = classify({
    verb: verb.value,
    spelt: action.verb,
    vouched,
    effect: action.effect,
    risk: undefined,
    labels,
    resource: { type: resource.type, id: id.value, attributes: resource.attributes ?? {} },
  });
  return {
    verb: verb.value,
    tool: action.tool,
    effect: known.effect,
    resource: { type: resource.type, id: id.value },
    labels: [...known.labels].sort(),
    args,
  };
}
