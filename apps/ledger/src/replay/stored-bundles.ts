import type { DeployedVersion } from '@bailiwick/authority/state/policies';
import type { RecordedPolicies } from '@bailiwick/authority/what-if/recorded-policies';
import { parseEvent } from '@bailiwick/contracts/events/event';
import type { Bodies } from '@bailiwick/event-store/postgres/bodies';

/**
 * Adds the policy of a decision, if it is not known yet: the events of one tree contain no deployment.
 * @param version of the decision, which leaves out 0
 */
export async function addRecorded(
  bodies: Pick<Bodies, 'at'>,
  log: string,
  versions: readonly DeployedVersion[],
  version: number | undefined,
  recorded: RecordedPolicies,
): Promise<void> {
  const deployed = versions.find((each) => each.version === version);
  if (!deployed || recorded.has(deployed.version)) return;
  const text = await bundleAt((positions) => bodies.at(log, positions), deployed.position, deployed.parts);
  recorded.add(deployed.version, text);
}

/** Returns the canonical JSON of a bundle. @param position of the event whose parts are directly before it */
export async function bundleAt(
  at: (positions: readonly number[]) => Promise<readonly string[]>,
  position: number,
  parts: number,
): Promise<string> {
  const positions = Array.from({ length: parts }, (_, i) => position - parts + i);
  const events = (await at(positions)).map(parseEvent);
  return events.map((event) => (event.type === 'PolicyPart' ? event.data.text : '')).join('');
}
