import type { DeployedPolicy, PolicyAnswer, PolicyVersionsAnswer } from '@bailiwick/contracts/policy/deployment';
import { parseEvent } from '@bailiwick/contracts/events/event';
import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import { rfc3339 } from '@bailiwick/core/clock';
import type { DeployedVersion } from '../state/policies';
import type { LogState } from '../state/state';
import type { PayloadReader } from './payload-reader';

/** Lists deployments, newest first. @param before only versions below this one */
export function showVersions(
  { policies }: LogState,
  limit: number,
  before: number = Number.MAX_SAFE_INTEGER,
): PolicyVersionsAnswer {
  const all = policies.versions.filter(({ version }) => version < before);
  const items = all.slice(-limit).reverse();
  const last = items.at(-1);
  const next = last && all.length > items.length ? String(last.version) : null;
  return { current: policies.version, items: items.map(viewOf), next };
}

/** A policy that the owner of a log knows; version 0 is part of the release, which has its bundle. */
export type KnownPolicy = PolicyAnswer | { readonly version: 0 };

/**
 * Returns a version with its bundle: that in force from the state, an earlier one from the events of its deployment.
 * The state is read synchronously when the function is called.
 * @param version left out: the one in force
 * @returns undefined if it is not among the newest `LIMITS.policy.versionsKept`
 */
export async function showPolicy(
  reader: PayloadReader,
  { log, policies }: LogState,
  version: number = policies.version,
): Promise<KnownPolicy | undefined> {
  if (version === 0) return { version };
  const { current } = policies;
  const deployed = policies.versions.find((each) => each.version === version);
  if (!deployed) return undefined;
  const text = current?.version === version ? current.text : await storedText(reader, log, deployed);
  return { ...viewOf(deployed), bundle: JSON.parse(text) as PolicyBundle };
}

async function storedText(reader: PayloadReader, log: string, { position, parts }: DeployedVersion): Promise<string> {
  const positions = Array.from({ length: parts }, (_, i) => position - parts + i);
  const events = (await reader.at(log, positions)).map(({ body }) => parseEvent(body));
  return events.map((event) => (event.type === 'PolicyPart' ? event.data.text : '')).join('');
}

const viewOf = ({ version, digest, replaces, position, at, by }: DeployedVersion): DeployedPolicy => ({
  version,
  digest,
  replaces,
  position,
  at: rfc3339(at),
  by,
});
