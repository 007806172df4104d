import { listed } from '../presentation/text';
import { sorted } from '../dimensions/verdict';
import type { ApprovalNode, GrantNode, LogState } from '../state/state';
import { describeHours } from './hours';
import { beyondManifest, isOnCard } from './issue';
import { agentsInForce, classOf } from './in-force';

/** A view shows the manifests that the tenant deployed. */
const DEPLOYED = {};

/** Returns one sentence if the manifest in force leaves less of a lease than it states; undefined otherwise. */
export function limitedBy(state: LogState, { id, runId, limits, issuedAt }: GrantNode): string | undefined {
  const agentClass = classOf(state, runId);
  const manifest = agentsInForce(state, DEPLOYED)?.of(agentClass);
  const isApproved = manifest !== undefined && state.approvedBeyond.get(id) === manifest.digest;
  const beyond = isApproved ? undefined : beyondManifest(state, agentClass, limits, issuedAt, DEPLOYED);
  const paths = beyond && pathsOf(beyond.refusal.reasons ?? []);
  const { version } = state.policies;
  const parts = [
    ...(paths === undefined
      ? []
      : [paths === '' ? beyond?.refusal.detail : `version ${version} of the policy allows less than stated: ${paths}`]),
    ...(manifest?.hours ? [`acts only ${describeHours(manifest.hours)}`] : []),
  ];
  return parts.length === 0 ? undefined : parts.join('; ');
}

/** Returns what a consent card states about the manifest of the class that would hold the requested lease. */
export function askedBeyond(state: LogState, approval: ApprovalNode, now: number): string | undefined {
  const { limits, runId, status, parentId } = approval;
  if (limits === undefined || status !== 'pending') return undefined;
  const agentClass = classOf(state, runId);
  const beyond = beyondManifest(state, agentClass, limits, now, DEPLOYED);
  const hours = agentsInForce(state, DEPLOYED)?.of(agentClass)?.hours;
  const when = hours ? [`anything except ${describeHours(hours)}`] : [];
  if (!beyond) return when[0];
  const isGiven = beyond.asks !== undefined && parentId === undefined && isOnCard(state, approval);
  const then = isGiven ? 'an approval allows it beyond its manifest' : 'so it cannot be approved';
  const paths = pathsOf(beyond.refusal.reasons ?? []);
  const less =
    paths === ''
      ? beyond.refusal.detail
      : `its manifest in version ${state.policies.version} of the policy allows less: ${paths}`;
  return [`${less}; ${then}`, ...when].join('; ');
}

const pathsOf = (reasons: readonly { readonly path?: string | undefined }[]): string =>
  listed(sorted(reasons.flatMap(({ path }) => path ?? [])), '');
