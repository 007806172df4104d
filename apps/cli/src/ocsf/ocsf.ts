import type { DecidedAction, Event, EventType } from '@bailiwick/contracts/events/event';
import { readWhereReadable } from '@bailiwick/contracts/events/payload';
import type { ExportLine } from '@bailiwick/contracts/transfer/export';

/**
 * Events in the classes of the Open Cybersecurity Schema Framework, for systems that collect security events. Pure. People
 * are named by their refs, as in the events; payloads are left out.
 * @see OCSF 1.3.0: API Activity, Entity Management, Detection Finding
 */

const VERSION = '1.3.0';
const API_ACTIVITY = 6003;
const ENTITY_MANAGEMENT = 3004;
const DETECTION_FINDING = 2004;

/** Values of `activity_id`: of Entity Management, and those of them that API Activity has too. */
const ACTIVITY = { create: 1, read: 2, update: 3, delete: 4, deactivate: 11, suspend: 12, resume: 13, other: 99 };
const SUCCESS = 1;
const FAILURE = 2;
const OTHER = 99;
const INFORMATIONAL = 1;
const LOW = 2;
const MEDIUM = 3;
const HIGH = 4;

export type OcsfEvent = Readonly<Record<string, unknown>>;

interface Shape {
  readonly classUid: number;
  readonly activity: number;
  readonly activityName?: string;
  readonly severity: number;
  readonly status?: number;
  readonly statusName?: string;
  readonly detail?: string | undefined;
  /** the members of its class */
  readonly members: Readonly<Record<string, unknown>>;
}
type Of<T extends EventType> = Extract<Event, { type: T }>;
type Mapping = { [T in EventType]?: (event: Of<T>) => Shape };

const given = (members: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));

const actorOf = ({ actor, runId }: Event): Record<string, unknown> =>
  actor.kind === 'person'
    ? { user: { uid: actor.id, type_id: 1 } }
    : given({ app_name: actor.id, app_uid: actor.kind === 'run' ? actor.id : runId });

/** A call that was decided: who asked is the run, and the operation is the verb. */
function decision(event: Event & { readonly data: DecidedAction }, status: number, statusName?: string): Shape {
  const { verb, tool, effect, risk, resource, agentClass, reasons } = event.data;
  const known: Partial<Record<string, number>> = { read: ACTIVITY.read, write: ACTIVITY.update };
  const activity = known[effect] ?? ACTIVITY.other;
  const isHigh = risk === 'high' || risk === 'irreversible';
  return {
    classUid: API_ACTIVITY,
    activity,
    ...(activity === ACTIVITY.other ? { activityName: effect } : {}),
    severity: status === SUCCESS ? INFORMATIONAL : status === FAILURE ? (isHigh ? HIGH : MEDIUM) : LOW,
    status,
    ...(statusName === undefined ? {} : { statusName }),
    detail: status === SUCCESS ? undefined : reasons.find(({ outcome }) => outcome !== 'permit')?.message,
    members: {
      actor: given({ app_name: agentClass, app_uid: event.runId }),
      api: given({ operation: verb, service: tool === undefined ? undefined : { name: tool } }),
      src_endpoint: given({ svc_name: agentClass, uid: event.runId }),
      resources: [{ type: resource.type, uid: resource.id }],
    },
  };
}

/** A request of another kind that was refused. */
const refusal = (event: Event, operation: string, code: string, detail: string): Shape => ({
  classUid: API_ACTIVITY,
  activity: ACTIVITY.other,
  activityName: operation,
  severity: MEDIUM,
  status: FAILURE,
  detail: `${code}: ${detail}`,
  members: { actor: actorOf(event), api: { operation }, src_endpoint: { svc_name: event.actor.id } },
});

function managed(
  event: Event,
  activity: number,
  entity: { type: string; uid: string | undefined },
  more: Partial<Shape> = {},
): Shape {
  return {
    classUid: ENTITY_MANAGEMENT,
    activity,
    severity: INFORMATIONAL,
    status: SUCCESS,
    ...more,
    members: { actor: actorOf(event), entity: { type: entity.type, uid: entity.uid ?? 'unknown' } },
  };
}
const lease = (event: Event, activity: number, more: Partial<Shape> = {}): Shape =>
  managed(event, activity, { type: 'lease', uid: event.grantId }, more);
const approval = (
  event: Event & { data: { approvalId: string } },
  activity: number,
  more: Partial<Shape> = {},
): Shape => managed(event, activity, { type: 'approval', uid: event.data.approvalId }, more);
const revocation = (event: Event & { data: { revocationId: string } }, activity: number, more: Partial<Shape> = {}) =>
  managed(event, activity, { type: 'revocation', uid: event.data.revocationId }, more);
const because = ({ data }: { data: { reason: { code: string; says?: string | undefined } } }) => ({
  detail: data.reason.says ?? data.reason.code,
});
const answer = (verdict: 'approve' | 'deny'): Partial<Shape> =>
  verdict === 'approve' ? {} : { status: FAILURE, severity: LOW };

/** A lease that the system suspended, such as for drift: the event is a finding about it. */
function suspended(event: Of<'GrantSuspended'>): Shape {
  if (event.actor.kind !== 'system') return lease(event, ACTIVITY.suspend, { severity: MEDIUM, ...because(event) });
  const { code, says } = event.data.reason;
  const uid = `${event.log}:${event.position}`;
  return {
    classUid: DETECTION_FINDING,
    activity: ACTIVITY.create,
    severity: HIGH,
    detail: says ?? code,
    members: {
      finding_info: { uid, title: `A lease was suspended: ${code}`, types: [code], desc: says ?? code },
      resources: [{ type: 'lease', uid: event.grantId ?? 'unknown' }],
    },
  };
}

const MAPPING: Mapping = {
  ActionPermitted: (event) => decision(event, SUCCESS),
  ActionDenied: (event) => decision(event, FAILURE),
  ActionStepUp: (event) => decision(event, OTHER, 'Waits for approval'),
  Refused: (event) => refusal(event, event.data.command, event.data.code, event.data.detail),
  DelegationRefused: (event) => refusal(event, 'delegate', event.data.code, event.data.detail),
  GrantIssued: (event) => lease(event, ACTIVITY.create),
  GrantRenewed: (event) => lease(event, ACTIVITY.update),
  GrantNarrowed: (event) => lease(event, ACTIVITY.update, because(event)),
  GrantSuspended: suspended,
  GrantResumed: (event) => lease(event, ACTIVITY.resume, because(event)),
  GrantRevoked: (event) => lease(event, ACTIVITY.delete, { severity: MEDIUM, ...because(event) }),
  GrantExpired: (event) => lease(event, ACTIVITY.deactivate, because(event)),
  GrantExhausted: (event) => lease(event, ACTIVITY.deactivate, because(event)),
  RevocationRuleAdded: (event) =>
    revocation(event, event.data.mode === 'suspend' ? ACTIVITY.suspend : ACTIVITY.delete, {
      severity: HIGH,
      ...because(event),
    }),
  SuspensionLifted: (event) => revocation(event, ACTIVITY.resume, because(event)),
  QuarantineLifted: (event) => revocation(event, ACTIVITY.update),
  ApprovalRequested: (event) => approval(event, ACTIVITY.create),
  ApprovalAnswered: (event) => approval(event, ACTIVITY.update, answer(event.data.verdict)),
  ApprovalGiven: (event) => {
    const { verdict, breakGlass } = event.data;
    return approval(event, ACTIVITY.update, { ...answer(verdict), ...(breakGlass ? { severity: HIGH } : {}) });
  },
  ApprovalWithdrawn: (event) => approval(event, ACTIVITY.delete),
  ApprovalExpired: (event) => approval(event, ACTIVITY.deactivate),
};

/** The types of the events that have a class here: decisions, refusals, leases, revocations and approvals. */
export const OCSF_TYPES = Object.keys(MAPPING) as EventType[];

/** Returns an event in its class; undefined if it is of a type without one. */
export function ocsfOf(event: Event): OcsfEvent | undefined {
  const map = MAPPING[event.type] as ((event: Event) => Shape) | undefined;
  if (!map) return undefined;
  const { classUid, activity, activityName, severity, status, statusName, detail, members } = map(event);
  const { log, position, time, tenant, type, treeId, runId, grantId, actionId } = event;
  return {
    class_uid: classUid,
    category_uid: Math.floor(classUid / 1_000),
    activity_id: activity,
    ...(activityName === undefined ? {} : { activity_name: activityName }),
    type_uid: classUid * 100 + activity,
    severity_id: severity,
    ...(status === undefined ? {} : { status_id: status }),
    ...(statusName === undefined ? {} : { status: statusName }),
    ...(detail === undefined ? {} : { status_detail: detail }),
    time: Date.parse(time),
    ...members,
    metadata: given({
      version: VERSION,
      product: { name: 'Bailiwick', vendor_name: 'Bailiwick' },
      uid: `${log}:${position}`,
      event_code: type,
      log_name: log,
      sequence: position,
      original_time: time,
      tenant_uid: tenant,
      correlation_uid: treeId,
    }),
    unmapped: given({ run_id: runId, grant_id: grantId, action_id: actionId }),
  };
}

/** Returns an exported event as a line in its class; undefined if it has none. An unreadable event has none. */
export function ocsfLine(line: ExportLine): string | undefined {
  const read = readWhereReadable({ ...line, payload: null });
  const mapped = read && ocsfOf(read.event);
  return mapped && JSON.stringify(mapped);
}
