import { agentsOf, compileAgents, type Agents } from '@bailiwick/authority/manifests/agents';
import { manifest, type ManifestEntry } from '@bailiwick/contracts/policy/manifest';
import { LIMITS } from '@bailiwick/core/limits';
import type { Section } from './section';

/** What the agents of each class may hold; undefined if the bundle has no manifests. */
export const agentsSection: Section<ManifestEntry, Agents | undefined> = {
  schema: manifest,
  most: LIMITS.policy.manifests,
  notEmpty: 'without manifests no class is bounded; leave agents out if that is meant',
  compile(entries, report) {
    if (entries.length === 0) return undefined;
    const compiled = compileAgents(entries);
    if (compiled.ok) return compiled.value;
    for (const { entry, path, message, other } of compiled.error) report(entry, path, message, { other });
    return agentsOf(entries);
  },
};
