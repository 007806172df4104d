import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import type { Observation } from '@bailiwick/drift/history';
import type { Call } from '@bailiwick/drift/memory';

export type Payload = Readonly<Record<string, unknown>> | null;
type Decided = EventOf<'ActionPermitted' | 'ActionDenied' | 'ActionStepUp'>;

export const isDecided = (event: Event): event is Decided =>
  event.type === 'ActionPermitted' || event.type === 'ActionDenied' || event.type === 'ActionStepUp';

/** Translates a decision into the call that was decided; the arguments come from the payload. */
export function callOfEvent({ data }: Decided, payload: Payload): Call {
  const { verb, tool, effect, risk, resource, labels } = data;
  return { verb, tool, effect, risk, resource: { type: resource.type, id: resource.id }, labels, args: payload?.args };
}

const text = (payload: Payload, key: string): string | undefined =>
  typeof payload?.[key] === 'string' ? payload[key] : undefined;

/** Translates an event into an observation; decisions are not included, because the monitor scores them first. */
export function observationOf(event: Event, payload: Payload): Observation | undefined {
  const runId = event.runId ?? '';
  switch (event.type) {
    case 'RunOpened':
      return {
        type: 'opened',
        runId,
        parentRunId: event.data.parentRunId,
        purpose: text(payload, 'purpose'),
        task: text(payload, 'task'),
      };
    case 'GrantIssued':
    case 'GrantNarrowed': {
      const { onDrift, delegatedSources } = event.data.limits.purpose;
      return { type: 'granted', runId, delegatedSources, thresholds: [onDrift.stepUpAt, onDrift.suspendAt] };
    }
    case 'ActionCompleted':
    case 'ActionFailed':
    case 'ActionAbandoned':
    case 'OutcomeReportedLate':
      return {
        type: 'returned',
        actionId: event.actionId ?? '',
        text: text(payload, 'preview'),
        labels: event.data.labels ?? [],
      };
    case 'DriftScored':
      return { type: 'scored', runId, score: event.data.score };
    case 'GrantResumed': // a run that resumes what it suspended has reviewed nothing
      return event.actor.kind === 'run' ? undefined : { type: 'resumed', runId };
    case 'RunCompleted':
    case 'GrantRevoked':
    case 'GrantExpired':
    case 'GrantExhausted':
      return { type: 'ended', runId };
    default:
      return undefined;
  }
}
