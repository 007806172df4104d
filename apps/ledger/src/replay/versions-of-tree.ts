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
  const { position, parts } = deployed;
  const positions = Array.from({ length: parts }, (_, i) => position - parts + i);
  const events = (await bodies.at(log, positions)).map(parseEvent);
  recorded.add(deployed.version, events.map((event) => (event.type === 'PolicyPart' ? event.data.text : '')).join(''));
}
