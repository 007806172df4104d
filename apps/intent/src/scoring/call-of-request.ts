import { classify } from '@bailiwick/authority/matching/catalog';
import type { Catalog } from '@bailiwick/authority/matching/catalog/compile';
import { normalizeResourceId } from '@bailiwick/authority/matching/pattern';
import { normalizeVerb } from '@bailiwick/authority/matching/verbs/verb';
import type { Attribute } from '@bailiwick/contracts/actions/action';
import type { Effect } from '@bailiwick/contracts/grants/grant';
import type { Call } from '@bailiwick/drift/memory';

/** A call before its decision, as requested. */
export interface RequestedCall {
  readonly action: { readonly verb: string; readonly tool?: string | undefined; readonly effect?: Effect | undefined };
  readonly resource: {
    readonly type: string;
    readonly id: string;
    readonly attributes?: Readonly<Record<string, Attribute>> | undefined;
  };
  readonly labels?: readonly string[] | undefined;
  readonly args?: unknown;
  /** the caller is an enforcement point */
  readonly vouched?: boolean | undefined;
}

/** Interprets a request as its decision will. Returns undefined if a name is malformed; the decision refuses it then. */
export function callOfRequest(
  { action, resource, labels = [], args, vouched }: RequestedCall,
  catalog: Catalog,
): Call | undefined {
  const verb = normalizeVerb(action.verb);
  const id = normalizeResourceId(resource.id);
  if (!verb.ok || !id.ok) return undefined;
  const known = classify(
    {
      verb: verb.value,
      spelled: action.verb,
      tool: action.tool,
      vouched,
      effect: action.effect,
      risk: undefined,
      labels,
      resource: { type: resource.type, id: id.value, attributes: resource.attributes ?? {} },
    },
    catalog,
  );
  return {
    verb: verb.value,
    tool: action.tool,
    effect: known.effect,
    resource: { type: resource.type, id: id.value },
    labels: [...known.labels].sort(),
    args,
  };
}
