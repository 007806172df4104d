import { sha256 } from '@bailiwick/core/digest';
import { rfc3339 } from '@bailiwick/core/clock';
import type { Attribute } from '@bailiwick/contracts/actions/action';
import { ANYONE, Chain, UNLIMITED, type Lease } from '../chain';
import { compare, Denied, Inexpressible, meaning, Outside, type Row } from '../verdict';
import source from './vectors.json';

type Constraints = Readonly<Record<string, { readonly constraint_type: string; readonly [member: string]: unknown }>>;
interface Token {
  readonly jti: string;
  readonly holder: string;
  readonly iat: number;
  readonly exp: number;
  readonly del_depth: number;
  readonly del_max_depth: number;
  readonly tools: Readonly<Record<string, Constraints>>;
}
interface Vector {
  readonly vector_id: string;
  readonly profile: string;
  readonly expected_decision: string;
  readonly expected_normative_reason: string | null;
  /** what is wrong with the form of its tokens, which are decoded here */
  readonly form?: string;
  readonly input: {
    readonly tokens: readonly Token[];
    readonly pop: { readonly holder: string; readonly args?: object; readonly aat_aud?: string } | null;
    readonly tool: string;
    readonly args: Readonly<Record<string, string>>;
    readonly now: number;
    readonly revoked_jti?: readonly string[];
    readonly unknown_jti?: readonly string[];
    readonly bound_subjects?: readonly string[];
    readonly recipient?: string;
    readonly a2a_extension_activated?: boolean;
    readonly a2a_authority_material_present?: boolean;
  };
}

/**
 * Translates a token into the request for a lease. A tool is a verb and the resource of that name; its constraints are
 * conditions on the arguments; a tool with constraints takes no other arguments, so their names are a closed list.
 */
export function leaseOf({ tools, iat, exp, del_depth, del_max_depth, holder }: Token): unknown {
  return {
    ...UNLIMITED,
    actions: { allow: Object.keys(tools) },
    resources: Object.entries(tools).map(([tool, constraints]) => {
      const names = Object.keys(constraints);
      const where = Object.fromEntries(names.map((name) => [`arg.${name}`, conditionOf(constraints[name] as never)]));
      return { type: 'tool', match: tool, ...(names.length > 0 ? { where: { ...where, args: { all: names } } } : {}) };
    }),
    time: { notBefore: rfc3339(iat * 1000), expiresAt: rfc3339(exp * 1000) },
    delegation: { ...ANYONE, depth: Math.max(0, del_max_depth - del_depth) },
    session: { jkt: keyOf(holder) },
  };
}

/** Translates the constraints that the corpus has; a type that neither side knows stays as it is. */
function conditionOf({ constraint_type: type, ...members }: Constraints[string]): unknown {
  if (type === 'exact') return { eq: members.value };
  if (type === 'one_of') return { in: members.values };
  return { [type]: members.value };
}

/** Stands for the thumbprint of the key of a holder. */
const keyOf = (holder: string): string => sha256(holder).toString('base64url');

function decide({ form, profile, input }: Vector): void {
  const { pop, tool, args, now } = input;
  if (form !== undefined || pop?.args) throw new Inexpressible('cryptographic form');
  if (pop?.aat_aud !== undefined && pop.aat_aud !== input.recipient) throw new Inexpressible('cryptographic form');
  if (profile === 'Identity') throw new Outside('identity binding');
  if (input.a2a_extension_activated === false) throw new Outside('transport negotiation');
  const tokens = input.a2a_authority_material_present === false ? [] : input.tokens;

  const chain = new Chain(Math.min(now, ...tokens.map(({ iat }) => iat)) * 1000);
  const leases = new Map<string, Lease>();
  let leaf: Lease | undefined;
  for (const token of tokens) {
    leaf = leaf ? chain.delegate(leaf, leaseOf(token)) : chain.root(leaseOf(token));
    leases.set(token.jti, leaf);
  }
  if (!leaf) throw new Denied(['NO_LEASE']);
  chain.log.now = now * 1000;
  chain.log.tickAll();
  for (const jti of input.revoked_jti ?? [])
    chain.log.do('revokeGrant', { grantId: (leases.get(jti) as Lease).grantId });
  for (const jti of input.unknown_jti ?? []) makeUnreadable(chain, leases.get(jti) as Lease);

  const attributes: Record<string, Attribute> = { args: Object.keys(args) };
  for (const [name, value] of Object.entries(args)) attributes[`arg.${name}`] = value;
  const isHolder = pop?.holder === tokens[tokens.length - 1]?.holder;
  const jkt = pop === null ? {} : { jkt: keyOf(pop.holder) };
  chain.call(leaf.grantId, tool, {
    resource: { type: 'tool', id: tool, attributes },
    proof: isHolder ? { vouched: true } : { vouched: false, ...jkt },
  });
}

/** Stores an event about a lease that cannot be read, so that its status is unknown. */
function makeUnreadable({ log }: Chain, { grantId, runId }: Lease): void {
  const last = log.events[log.events.length - 1];
  const position = log.state.next;
  const body = {
    ...last,
    position,
    id: `${last?.id}x`,
    type: 'GrantSuspended',
    grantId,
    runId,
    data: { unknown: true },
  };
  log.store({ position, body: JSON.stringify(body) });
}

/** The reasons of ours that mean the same as one of theirs; a form that has no translation needs none. */
const MEANING = {
  tool_not_delegated: /^WIDENS actions/,
  constraint_expansion: /^WIDENS resources$/,
  constraint_type_not_permitted: /^WIDENS resources$/,
  argument_key_set_mismatch: /^WIDENS resources$/,
  constraint_type_unrecognized: /^BAD_REQUEST resources.0.where/,
  // a chain in the wrong order: each token is wider than the one before
  untrusted_root: /^WIDENS /,
  chain_empty: /^NO_LEASE$/,
  authority_material_missing: /^NO_LEASE$/,
  pop_signature_invalid: /^SESSION_KEY_MISMATCH$/,
  pop_missing: /^SESSION_PROOF_MISSING$/,
  // a child of a lease that has ended ends after it
  expired: /^GRANT_NOT_LIVE$|^WIDENS time.expiresAt$/,
  not_yet_valid: /^WIDENS time.notBefore$/,
  expiry_exceeds_parent: /^WIDENS time.expiresAt$/,
  delegation_ceiling_raised: /^WIDENS delegation.depth$/,
  delegation_depth_exceeded: /^DELEGATION_DEPTH$/,
  argument_missing: /^RESOURCE_NOT_ALLOWED$/,
  argument_constraint_violated: /^RESOURCE_NOT_ALLOWED$/,
  tool_not_authorized: /^ACTION_NOT_ALLOWED$/,
  authority_revoked: /^GRANT_NOT_LIVE$/,
  status_unavailable: /^TREE_SET_ASIDE$/,
};

function expectedOf({ expected_normative_reason: theirs, form, profile, input }: Vector): 'permit' | RegExp {
  if (theirs === null) return 'permit';
  const hasNone = form !== undefined || input.pop?.args || profile === 'Identity' || profile === 'A2A';
  return hasNone && !Object.hasOwn(MEANING, theirs) ? /^$/ : meaning(MEANING, theirs);
}

/** Decides the conformance corpus of OAAF. */
export const oaaf = (): Row[] =>
  (source.vectors as unknown as Vector[]).map((vector) =>
    compare(vector.vector_id, expectedOf(vector), () => decide(vector)),
  );
