import type { GrantRequest, Limits } from '@bailiwick/contracts/grants/grant';
import type { Reason, Refusal } from '@bailiwick/contracts/reason';
import { formatDuration } from '@bailiwick/core/duration';
import type { Result } from '@bailiwick/core/result';
import { resolveRoot } from '../commands/grants/resolve';
import type { Rules } from '../commands/types';
import { mayDelegate } from '../dimensions/delegation';
import type { Violation } from '../dimensions/dimension';
import { sorted } from '../dimensions/verdict';
import { counted } from '../presentation/text';
import { chainOf, type ApprovalNode, type GrantNode, type LogState } from '../state/state';
import { asManifest, type Manifest } from './agents';
import { defaultsUnder, merged } from './default-lease';
import { agentsInForce, classOf, nameOf } from './in-force';
import { noLongerListed } from './may-ask';
import { boundOf, widerThanMost, type Most } from './most';

type Policy = Pick<Rules, 'agents'>;

/** Resolves the request for a root lease: members that it leaves out come from the manifest of its class, if it has one. */
export function resolveOpening(
  state: LogState,
  agentClass: string,
  request: GrantRequest,
  rules: Policy & Pick<Rules, 'defaults'>,
  now: number,
): Result<Limits, Refusal> {
  const defaults = rules.defaults(now);
  const manifest = agentsInForce(state, rules)?.of(agentClass);
  if (!manifest) return resolveRoot(request, defaults, now);
  const { most, lease } = manifest;
  const under = defaultsUnder(most, defaults, now);
  return resolveRoot(merged(lease, request), under, now, under, most && boundOf(most, under, now));
}

/** Limits are more than the manifest of their class allows. */
export interface Beyond {
  readonly refusal: Refusal;
  /** digest of the manifest, if a person may approve a root lease that is beyond it */
  readonly asks: string | undefined;
}

/**
 * Compares limits with the manifest of their class; undefined if they are within it, or if the policy has no manifests.
 * @param issuedAt the time at which the lease starts to count, ms
 */
export function beyondManifest(
  state: LogState,
  agentClass: string,
  limits: Limits,
  issuedAt: number,
  rules: Policy,
): Beyond | undefined {
  const agents = agentsInForce(state, rules);
  if (!agents) return undefined;
  const manifest = agents.of(agentClass);
  const name = nameOf(manifest, agentClass, state.policies.version);
  if (!manifest || manifest.fault !== undefined) return { refusal: withoutManifest(name), asks: undefined };
  const { most } = manifest;
  const wider = most ? widerThanMost(most, limits, issuedAt) : [];
  if (!most || wider.length === 0) return undefined;
  const paths = sorted(wider.map(({ path }) => path)).join(', ');
  return {
    refusal: {
      code: 'GRANT_EXCEEDS_MAXIMUM',
      detail: `the lease would be more than ${name} allows in ${paths}${ASK_LESS}`,
      reasons: wider.map((each) => reasonOf(each, most, name)),
    },
    asks: manifest.asks ? manifest.digest : undefined,
  };
}

const ASK_LESS = '; ask for no more than that';

function withoutManifest(name: string): Refusal {
  const message = `no lease is issued: ${name}`;
  return {
    code: 'GRANT_EXCEEDS_MAXIMUM',
    detail: message,
    reasons: [{ rule: 'manifest', outcome: 'deny', code: 'NO_MANIFEST', message }],
  };
}

const reasonOf = (violation: Violation, most: Most, name: string): Reason => ({
  rule: 'manifest',
  outcome: 'deny',
  code: 'BEYOND_MANIFEST',
  message: `${textOf(violation, most)} (${name})`,
  path: violation.path,
  limit: violation.parent,
  actual: violation.child,
});

/** States where a lease is wider than its manifest; the texts of the dimensions are about a parent. */
function textOf({ dimension, path, child, message }: Violation, { ttlMs = 0, limits }: Most): string {
  if (dimension === 'time') return `would last until ${String(child)}, and lasts ${formatDuration(ttlMs)} at most`;
  if (path === 'delegation.depth')
    return `could pass on ${counted(Number(child), 'level')}, and the manifest allows ${limits.delegation.depth}`;
  return asManifest(message);
}

/** A child that is about to be made below a chain. */
interface Child {
  readonly agentClass: string;
  readonly limits: Limits;
  readonly now: number;
  /** it waits for its first lease and is among the counted children already */
  readonly counted?: boolean;
}

/**
 * Returns the refusal of a child lease: it must be within the manifest of its class, and the manifests of the leases above
 * it must allow that they pass it on.
 */
export function childBeyondManifests(
  state: LogState,
  chain: readonly GrantNode[],
  { agentClass, limits, now, counted: isCounted = false }: Child,
  rules: Policy,
): Refusal | undefined {
  const agents = agentsInForce(state, rules);
  if (!agents) return undefined;
  for (const [up, grant] of chain.entries()) {
    const own = classOf(state, grant.runId);
    const manifest = agents.of(own);
    const name = nameOf(manifest, own, state.policies.version);
    if (!manifest || manifest.fault !== undefined) return withoutManifest(name);
    if (!applies(state, grant, manifest) || !manifest.most?.names.includes('delegation')) continue;
    const { delegation } = manifest.most.limits;
    const counts = isCounted ? 1 : 0;
    const verdict =
      up === 0
        ? mayDelegate(delegation, agentClass, grant.children - counts, state.openChildren.of(grant.runId) - counts)
        : mayDelegate({ depth: delegation.depth - up, children: Infinity, classes: delegation.classes }, agentClass, 0);
    if (verdict.outcome === 'permit') continue;
    const message = `${verdict.message} (${name})`;
    const reason = { rule: 'manifest', ...verdict, message, grantId: grant.id };
    return { code: 'GRANT_EXCEEDS_MAXIMUM', detail: message, reasons: [reason] };
  }
  return beyondManifest(state, agentClass, limits, now, rules)?.refusal;
}

/** Reports whether the manifests of a chain require that a person approves each child. */
export function manifestAsksForChild(state: LogState, chain: readonly GrantNode[], rules: Policy): boolean {
  const agents = agentsInForce(state, rules);
  return chain.some((grant) => {
    const manifest = agents?.of(classOf(state, grant.runId));
    return manifest?.most?.limits.delegation.ask === true && applies(state, grant, manifest);
  });
}

const applies = ({ approvedBeyond }: LogState, { id }: GrantNode, { digest }: Manifest): boolean =>
  approvedBeyond.get(id) !== digest;

/** The limits that a child gets at most for what its request leaves out. */
export function boundForChild(
  state: LogState,
  agentClass: string,
  parent: Limits,
  now: number,
  rules: Policy,
): readonly Limits[] {
  const most = agentsInForce(state, rules)?.of(agentClass)?.most;
  if (!most) return [];
  const { delegation, ...bound } = boundOf(most, parent, now);
  return [{ ...bound, delegation: { ...delegation, depth: delegation.depth + 1 } }];
}

/** The result of a person's approval of a lease: the manifest beyond which it is given, or a refusal. */
export type GivenBeyond = { readonly beyond?: string } | { readonly refusal: Refusal };

/**
 * Compares a lease that a person approves with the manifests in force. A root lease beyond its manifest is given if the
 * manifest asks a person, and if that manifest was on the card that the person saw.
 */
export function givenBeyond(
  state: LogState,
  approval: ApprovalNode,
  limits: Limits,
  now: number,
  rules: Policy,
): GivenBeyond {
  const agentClass = classOf(state, approval.runId);
  if (approval.kind === 'escalation') {
    const manifest = agentsInForce(state, rules)?.of(agentClass);
    const name = nameOf(manifest, agentClass, state.policies.version);
    const unlisted = noLongerListed(approval.bundle, manifest?.mayAsk, name);
    if (unlisted) return { refusal: toDeny(unlisted) };
  }
  if (approval.parentId !== undefined) {
    const chain = chainOf(state, approval.parentId) ?? [];
    const first = approval.supersedes === undefined;
    const refusal = first
      ? childBeyondManifests(state, chain, { agentClass, limits, now, counted: true }, rules)
      : beyondManifest(state, agentClass, limits, now, rules)?.refusal;
    return refusal ? { refusal: toDeny(refusal) } : {};
  }
  const beyond = beyondManifest(state, agentClass, limits, now, rules);
  if (!beyond) return {};
  return beyond.asks !== undefined && isOnCard(state, approval)
    ? { beyond: beyond.asks }
    : { refusal: toDeny(beyond.refusal) };
}

/** A card states the manifest of the version in force when the request was made. */
export const isOnCard = ({ policies }: LogState, { position }: ApprovalNode): boolean =>
  position > (policies.current?.position ?? -1);

const toDeny = ({ detail, ...rest }: Refusal): Refusal => ({
  ...rest,
  detail: `${detail.replace(ASK_LESS, '')}; deny this request and have a new one made`,
});
