import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import type { InFlight, RunClaims } from '@bailiwick/contracts/receipts/receipt';
import { endOf } from './ending';
import { isEarlier } from './period';
import type { Story, StoryEntry } from './story';

/** Something that started with an event and, unless it is still in flight, ended at a time. */
interface Flight<E extends Event> {
  readonly event: E;
  readonly ended: string | undefined;
}

/** Lists what was in flight when the period of a receipt started and when it ended; empty without a period. */
export function inFlightOf(runId: string, story: Story): Pick<RunClaims, 'inFlight'> {
  if (!story.period) return {};
  const actions = [...story.decisions.values()].flatMap(({ event }): Flight<EventOf<'ActionPermitted'>>[] =>
    event.type === 'ActionPermitted' && event.runId === runId
      ? [{ event, ended: story.outcomes.get(event.actionId ?? '')?.[0]?.event.time }]
      : [],
  );
  const children = ofRun(story.openings, ({ data }) => data.parentRunId === runId).map((event) => ({
    event,
    ended: endOf(event.runId ?? '', story)?.at,
  }));
  const approvals = ofRun(story.asked, (event) => event.runId === runId).map((event) => ({
    event,
    ended: story.answered.get(event.data.approvalId)?.event.time,
  }));
  const at = (isIn: (each: Flight<Event>) => boolean): InFlight => {
    const permits = actions.filter(isIn).map(({ event }) => event);
    return {
      actions: permits.map(({ actionId }) => actionId as string),
      reserved: reservedBy(permits),
      children: children.filter(isIn).map(({ event }) => event.runId as string),
      approvals: approvals.filter(isIn).map(({ event }) => event.data.approvalId),
    };
  };
  const isOver = (ended: string | undefined): boolean => ended !== undefined && isEarlier({ time: ended }, story);
  return {
    inFlight: {
      atStart: at(({ event, ended }) => isEarlier(event, story) && !isOver(ended)),
      atEnd: at(({ ended }) => ended === undefined),
    },
  };
}

const ofRun = <E extends Event>(
  entries: ReadonlyMap<string, StoryEntry & { readonly event: E }>,
  isIn: (event: E) => boolean,
): E[] => [...entries.values()].map(({ event }) => event).filter(isIn);

function reservedBy(permits: readonly EventOf<'ActionPermitted'>[]): InFlight['reserved'] {
  const cost: Record<string, number> = {};
  const units: Record<string, number> = {};
  for (const { data } of permits) {
    for (const [currency, value] of Object.entries(data.charge.cost)) cost[currency] = (cost[currency] ?? 0) + value;
    for (const [unit, value] of Object.entries(data.charge.units ?? {})) units[unit] = (units[unit] ?? 0) + value;
  }
  return { cost, ...(Object.keys(units).length > 0 ? { units } : {}) };
}
