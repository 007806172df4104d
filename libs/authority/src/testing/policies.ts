import type { Event } from '@bailiwick/contracts/events/event';
import type { ManifestEntry } from '@bailiwick/contracts/policy/manifest';
import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import { canonicalize } from '@bailiwick/core/canonical';
import { rfc3339 } from '@bailiwick/core/clock';
import { sha256hex } from '@bailiwick/core/digest';
import type { CommandResult, Fields, TestLog } from './harness';

/** Returns the members of a command that deploys a bundle in place of a version. */
export function deployment(bundle: PolicyBundle, replaces: number): Fields<'deployPolicy'> {
  const text = canonicalize(bundle);
  return { replaces, digest: `sha256:${sha256hex(text)}`, bundle: text };
}

/** Deploys a bundle in place of the version in force. */
export const deploy = (log: TestLog, bundle: PolicyBundle): Event[] =>
  log.do('deployPolicy', deployment(bundle, log.state.policies.version));

/** Starts to compare a bundle with the version in force, for some ms. */
export const shadow = (log: TestLog, bundle: PolicyBundle, ms: number): Event[] =>
  log.do('deployPolicy', {
    ...deployment(bundle, log.state.policies.version),
    shadowUntil: rfc3339(log.now + ms),
  });

export const tryDeploy = (log: TestLog, bundle: PolicyBundle, replaces: number): CommandResult =>
  log.try('deployPolicy', deployment(bundle, replaces));

/** A bundle by which one verb has one effect. */
export const meaning = (verb: string, effect: 'read' | 'write' | 'external' | 'exec'): PolicyBundle => ({
  catalog: [{ match: [verb], effects: [effect], risk: effect === 'read' ? 'low' : 'medium' }],
});

/** A bundle with manifests, which a team owns. */
export const manifests = (...agents: readonly ManifestFields[]): PolicyBundle => ({
  agents: agents.map((each) => ({ owner: 'team', ...each })),
});
export type ManifestFields = Omit<ManifestEntry, 'owner'>;
