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
export function cedarRequest(call: ConditionCall, reads: Reads): CedarRequest {
  const { run, facts } = call;
  const { type, id } = facts.resource;
  const principal = uid('Run', reads.hasItself('principal') ? run.id : '');
  const action = uid('Action', facts.verb);
  const resource = uid('Resource', reads.hasItself('resource') ? id : '');
  return {
    principal,
    action,
    resource,
    context: read('context', CONTEXT, call, reads),
    entities: [
      { uid: principal, attrs: read('principal', PRINCIPAL, call, reads), parents: [uid('Class', run.agent.class)] },
      { uid: action, attrs: {}, parents: nounsOf(facts.verb).map((noun) => uid('Action', noun)) },
      { uid: resource, attrs: read('resource', RESOURCE, call, reads), parents: [uid('Type', type)] },
    ],
  };
}

const uid = (type: string, id: string): Uid => ({ type, id });

/** The members of a variable. A value that is an object is a new one, with what policies read. */
type Members = Readonly<Record<string, (call: ConditionCall, reads: Reads) => unknown>>;

const CONTEXT: Members = {
  verb: ({ facts }) => facts.verb,
  tool: ({ facts }) => facts.tool,
  effect: ({ facts }) => facts.effect,
  effects: ({ facts }) => [...(facts.effects ?? [facts.effect])],
  risk: ({ facts }) => facts.risk,
  stage: ({ facts }) => facts.stage,
  labels: ({ labels }) => labels,
  cost: ({ charge }, reads) => only(charge.cost, reads, 'context', 'cost'),
  units: ({ charge }, reads) => only(charge.units ?? {}, reads, 'context', 'units'),
  posture: ({ facts }) => defined({ ...(facts.currentPosture ?? facts.declaredPosture) }),
  stated: ({ facts }) => facts.stated === 'run',
};
const PRINCIPAL: Members = {
  class: ({ run }) => run.agent.class,
  instance: ({ run }) => run.agent.instance,
  principalRef: ({ run }) => run.principalRef,
  tree: ({ run }) => run.treeId,
};
const RESOURCE: Members = {
  type: ({ facts }) => facts.resource.type,
  id: ({ facts }) => facts.resource.id,
  attributes: ({ facts }, reads) => attributesRead(facts.resource.attributes, reads),
};

/** Returns the members that policies read and that the call has. */
function read(of: string, members: Members, call: ConditionCall, reads: Reads): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const name of reads.among(of, members)) {
    const value = members[name]?.(call, reads);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

const defined = (values: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

function only(amounts: Readonly<Record<string, number>>, reads: Reads, ...of: string[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const name of Object.keys(amounts)) if (reads.has(...of, name)) found[name] = amounts[name] as number;
  return found;
}

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
