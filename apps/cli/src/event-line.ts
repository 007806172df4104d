import type { EventItem } from '@bailiwick/client/client';
import { named, type PersonNames } from '@bailiwick/contracts/people/person-names';
import { dim, plain } from './render';

/** Returns the rows of a page with the names that came with it in place of refs: of callers that may see them. */
export const namedRows = <Row>({
  items,
  names = {},
}: {
  readonly items: readonly Row[];
  readonly names?: PersonNames;
}): Row[] => items.map((row) => named(row, names));

/** Formats an event as one line. A person who acted is named. */
export function eventLine({ position, time, type, runId, actor, data }: EventItem): string {
  const { verb, resource, reason, score, detail } = data as {
    verb?: string;
    resource?: { id: string };
    reason?: { says?: string };
    score?: number;
    detail?: string;
  };
  const about = [
    verb,
    resource?.id,
    reason?.says,
    score === undefined ? undefined : `score ${score.toFixed(2)}`,
    detail,
    actor?.kind === 'person' ? `by ${actor.id}` : undefined,
  ]
    .filter((each) => each !== undefined)
    .join(' ');
  return `${String(position).padStart(7)} ${dim(time)} ${type.padEnd(20)} ${plain(about).slice(0, 120)} ${dim(runId ?? '')}`;
}
