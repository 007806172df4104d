import type { ConditionCall } from '@bailiwick/authority/conditions/port';
import type { Attribute } from '@bailiwick/contracts/actions/action';
import type { Reads } from './reads';

interface Uid {
  readonly type: string;
  readonly id: string;
}
interface Entity {
  readonly uid: Uid;
  readonly attrs: Record<string, unknown>;
  readonly parents: readonly Uid[];
}

/** A call as a request of Cedar. */
export interface CedarRequest {
  readonly principal: Uid;
  readonly action: Uid;
  readonly resource: Uid;
  readonly context: Record<string, unknown>;
  readonly entities: readonly Entity[];
}

/**
 * Builds the request of Cedar from a call; `docs/policy.md` lists its entities and attributes. All of it is recorded with
 * the decision, so that the call can be decided again.
 * @param reads what the policies read; nothing else is in the request
 */
export function cedarRequest({ run, facts, labels, charge }: ConditionCall, reads: Reads): CedarRequest {
  const { class: agentClass, instance } = run.agent;
  const { type, id, attributes } = facts.resource;
  const context: Record<string, () => unknown> = {
    verb: () => facts.verb,
    tool: () => facts.tool,
    effect: () => facts.effect,
    effects: () => [...(facts.effects ?? [facts.effect])],
    risk: () => facts.risk,
    stage: () => facts.stage,
    labels: () => labels,
    cost: () => charge.cost,
    units: () => charge.units ?? {},
    posture: () => defined({ ...(facts.currentPosture ?? facts.declaredPosture) }),
    stated: () => facts.stated === 'run',
  };
  const ofRun = {
    class: () => agentClass,
    instance: () => instance,
    principalRef: () => run.principalRef,
    tree: () => run.treeId,
  };
  const ofResource = { type: () => type, id: () => id, attributes: () => attributesRead(attributes, reads) };
  const principal = uid('Run', reads.hasItself('principal') ? run.id : '');
  const action = uid('Action', facts.verb);
  const resource = uid('Resource', reads.hasItself('resource') ? id : '');
  return {
    principal,
    action,
    resource,
    context: read('context', context, reads),
    entities: [
      { uid: principal, attrs: read('principal', ofRun, reads), parents: [uid('Class', agentClass)] },
      { uid: action, attrs: {}, parents: nounsOf(facts.verb).map((noun) => uid('Action', noun)) },
      { uid: resource, attrs: read('resource', ofResource, reads), parents: [uid('Type', type)] },
    ],
  };
}

const uid = (type: string, id: string): Uid => ({ type, id });

/** Returns the members that policies read and that the call has. */
function read(of: string, members: Record<string, () => unknown>, reads: Reads): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(members)) if (reads.has(of, name)) found[name] = value();
  return defined(found);
}

const defined = (values: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

const attributesRead = (attributes: Readonly<Record<string, Attribute>>, reads: Reads): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(attributes)
      .filter(([name]) => reads.has('resource', 'attributes', name))
      .map(([name, value]) => [name, valueOf(value)]),
  );

/** Returns the nouns of a verb: `repo` and `repo.branch` of `repo.branch.create`. */
export function nounsOf(verb: string): string[] {
  const segments = verb.split('.');
  return segments.slice(1).map((_, i) => segments.slice(0, i + 1).join('.'));
}

const valueOf = (value: Attribute): unknown => (Array.isArray(value) ? value.map(scalarOf) : scalarOf(value));

/**
 * Cedar has whole numbers, and decimals with four digits. A number that is neither is a record: it exists, and comparing it
 * is an error, so that the condition forbids.
 */
function scalarOf(value: string | number | boolean): unknown {
  if (typeof value !== 'number') return value;
  if (Number.isSafeInteger(value)) return value === 0 ? 0 : value;
  const decimal = value.toFixed(4);
  const isExact = Math.abs(value) < 1e9 && Number(decimal) === value;
  return isExact ? { __extn: { fn: 'decimal', arg: decimal } } : { number: String(value) };
}
