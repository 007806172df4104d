import type { Attribute } from '@bailiwick/contracts/actions/action';
import type { Effect, Risk } from '@bailiwick/contracts/grants/grant';
import { classify } from './catalog';
import type { Catalog } from './catalog/compile';
import { normalizeResourceId } from './pattern';
import { normalizeVerb } from './verbs/verb';

/** A call before its decision, as requested. */
export interface RequestedCall {
  readonly action: {
    readonly verb: string;
    readonly tool?: string | undefined;
    readonly effect?: Effect | undefined;
    readonly risk?: Risk | undefined;
  };
  readonly resource: {
    readonly type: string;
    readonly id: string;
    readonly attributes?: Readonly<Record<string, Attribute>> | undefined;
  };
  readonly labels?: readonly string[] | undefined;
  /** the caller is an enforcement point */
  readonly vouched?: boolean | undefined;
}

/** A call as its decision records it. */
export interface InterpretedCall {
  readonly verb: string;
  readonly tool: string | undefined;
  readonly effect: Effect;
  readonly risk: Risk;
  readonly resource: { readonly type: string; readonly id: string };
  readonly labels: string[];
}

/** Interprets a request as its decision will. Returns undefined if a name is malformed; the decision refuses it then. */
export function interpret(
  { action, resource, labels = [], vouched }: RequestedCall,
  catalog: Catalog,
): InterpretedCall | undefined {
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
      risk: action.risk,
      labels,
      resource: { type: resource.type, id: id.value, attributes: resource.attributes ?? {} },
    },
    catalog,
  );
  return {
    verb: verb.value,
    tool: action.tool,
    effect: known.effect,
    risk: known.risk,
    resource: { type: resource.type, id: id.value },
    labels: [...known.labels].sort(),
  };
}
