import { classify } from '@bailiwick/authority/matching/catalog';
import type { Catalog } from '@bailiwick/authority/matching/catalog/compile';
import { normalizeResourceId } from '@bailiwick/authority/matching/pattern';
import { normalizeVerb } from '@bailiwick/authority/matching/verbs/verb';
import type { Attribute } from '@bailiwick/contracts/actions/action';
import type { Scalar } from '@bailiwick/contracts/grants/grant';
import { LIMITS } from '@bailiwick/core/limits';
import { addressesOf } from '../catalog/addresses';
import { derive } from '../catalog/derive';
import type { RecordedCall } from './recorded-run';

/** A call of a tool as runs are recorded in files. */
export interface ToolCall {
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly result?: string | undefined;
  readonly error?: string | undefined;
}

/** The type of a resource that is a tool with its arguments as attributes, for tools without a template of resources. */
export const TOOL_TYPE = 'tool';

/** The attribute with every address in the arguments, for which derived leases have an entry of the catalog. */
export const ADDRESSES = 'addresses-in-arguments';

/** Addresses that cannot all be stated are left out: no condition holds for the call. */
function addressesAttribute(args: unknown): Record<string, Attribute> {
  const addresses = addressesOf(args);
  return addresses.ok && addresses.value ? { [ADDRESSES]: addresses.value } : {};
}

/**
 * Returns a recorded call as it is decided: with the verb, the effects and the resource of its entry in the catalog. A tool
 * whose entry takes no resource from the arguments is itself the resource, and its arguments are the attributes.
 */
export function callOfTool({ tool, args, result, error }: ToolCall, catalog: Catalog): RecordedCall {
  const name = plainName(tool);
  const entry = catalog.lookup(name, tool).entry;
  const verb = verbOf(entry?.tools === undefined ? name : (entry.verb ?? name));
  const derived = entry && derive(entry, args);
  const taken = derived?.ok === true ? derived.value : undefined;
  const id = taken?.resource && normalizeResourceId(taken.resource.id);
  const resource =
    taken?.resource && id?.ok ? { type: taken.resource.type, id: id.value } : { type: TOOL_TYPE, id: name };
  const attributes = {
    ...attributesOf(args),
    ...(resource.type === TOOL_TYPE ? addressesAttribute(args) : {}),
    ...taken?.attributes,
  };
  const { effects, risk, stage, labels } = classify(
    {
      verb,
      spelled: name,
      tool,
      effect: undefined,
      risk: undefined,
      labels: [],
      resource: { ...resource, attributes: {} },
      vouched: true,
    },
    catalog,
  );
  const completed = error === undefined || error === null || error === '';
  return {
    verb,
    effects,
    risk,
    stage,
    labels: [...labels],
    resource,
    attributes,
    result,
    completed,
    cost: taken?.cost,
    units: taken?.units,
  };
}

const plainName = (tool: string): string =>
  tool.replace(/[^A-Za-z0-9_.-]/g, '-').replace(/\.{2,}|^\.|\.$/g, '-') || 'tool';

function verbOf(name: string): string {
  const verb = normalizeVerb(name);
  return verb.ok ? verb.value : 'tool.call';
}

/**
 * Returns the arguments as attributes: single values and lists of them, those of objects with a dot between the names. What
 * is null, too long or nested in a list is left out: no condition can be about it.
 */
export function attributesOf(args: Readonly<Record<string, unknown>>): Record<string, Attribute> {
  const found: Record<string, Attribute> = {};
  add(args, '', found);
  return found;
}

function add(args: Readonly<Record<string, unknown>>, before: string, found: Record<string, Attribute>): void {
  for (const [key, value] of Object.entries(args)) {
    const name = `${before}${key}`;
    if (name.length > LIMITS.nameLength || Object.keys(found).length === LIMITS.attributesPerResource) continue;
    if (isShort(value)) found[name] = value;
    else if (Array.isArray(value)) {
      if (value.length > 0 && value.length <= LIMITS.valuesPerAttribute && value.every(isShort)) found[name] = value;
    } else if (typeof value === 'object' && value !== null && before === '')
      add(value as Record<string, unknown>, `${name}.`, found);
  }
}

const isShort = (value: unknown): value is Scalar =>
  typeof value === 'string'
    ? value.length <= LIMITS.nameLength
    : typeof value === 'number' || typeof value === 'boolean';
