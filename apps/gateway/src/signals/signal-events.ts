import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';

/** The security events of the specifications, and which of them stop agents. Pure. */

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/';
const RISC = 'https://schemas.openid.net/secevent/risc/event-type/';
const SSF = 'https://schemas.openid.net/secevent/ssf/event-type/';

/** About the stream itself; SSF 1.0 sections 8.1.4 and 8.1.5. */
const OF_STREAM: ReadonlySet<string> = new Set([`${SSF}verification`, `${SSF}stream-updated`]);

const shared = {
  event_timestamp: z.number().optional(),
  initiating_entity: z.string().optional(),
  reason_admin: z.record(z.string(), z.string()).optional(),
};

interface Kind {
  readonly uri: string;
  /** other members are allowed: specifications and transmitters add some */
  readonly payload: z.ZodType;
  /** whether an event with this payload takes trust away */
  readonly stops: (payload: never) => boolean;
}
const kind = <S extends z.ZodRawShape>(
  uri: string,
  shape: S,
  stops: (payload: z.infer<z.ZodObject<S>>) => boolean = () => true,
): Kind => ({ uri, payload: z.looseObject({ ...shared, ...shape }), stops: stops });

const riskLevel = z.enum(['LOW', 'MEDIUM', 'HIGH']);
const compliance = z.enum(['compliant', 'not-compliant']);

/** The events that can stop agents, by the names under which the configuration has their actions. */
export const KINDS = {
  'session-revoked': kind(`${CAEP}session-revoked`, {}),
  // a credential that is added takes nothing away
  'credential-change': kind(
    `${CAEP}credential-change`,
    { credential_type: z.string(), change_type: z.enum(['create', 'revoke', 'update', 'delete']) },
    ({ change_type: change }) => change !== 'create',
  ),
  'device-compliance-change': kind(
    `${CAEP}device-compliance-change`,
    { previous_status: compliance, current_status: compliance },
    ({ current_status: current }) => current === 'not-compliant',
  ),
  'risk-level-change': kind(
    `${CAEP}risk-level-change`,
    { principal: z.string(), current_level: riskLevel, previous_level: riskLevel.optional() },
    ({ current_level: level }) => level === 'HIGH',
  ),
  'account-disabled': kind(`${RISC}account-disabled`, { reason: z.string().optional() }),
  'account-purged': kind(`${RISC}account-purged`, {}),
  'credential-compromise': kind(`${RISC}credential-compromise`, { credential_type: z.string() }),
} satisfies Record<string, Kind>;

export type KindName = keyof typeof KINDS;
export const KIND_NAMES = Object.keys(KINDS) as [KindName, ...KindName[]];
const BY_URI = new Map(KIND_NAMES.map((name) => [KINDS[name].uri, name]));

/** What the configuration has done for an event that stops agents. */
export const signalAction = z.enum(['suspend', 'revoke', 'ignore']);
export type SignalAction = z.infer<typeof signalAction>;

/** The `events` of a token (RFC 8417 section 2.2). */
export const eventsClaim = z
  .record(z.string().min(1).max(2_000), z.record(z.string(), z.unknown()))
  .refine((events) => Object.keys(events).length >= 1 && Object.keys(events).length <= LIMITS.signals.eventsPerSet, {
    error: `must have 1 to ${LIMITS.signals.eventsPerSet} events`,
  });

/** What the events of a token ask for together. */
export interface Asked {
  /** undefined: nothing is stopped */
  readonly action: 'suspend' | 'revoke' | undefined;
  /** the events that ask for it */
  readonly because: readonly KindName[];
  /** all events are about the stream */
  readonly ofStream: boolean;
  /** what the transmitter states for administrators */
  readonly reason: string | undefined;
}

/**
 * Reads what events ask for: the strictest action of all of them. Types that are not known ask for nothing.
 * @returns the member at fault, if an event does not conform to its definition
 */
export function askedBy(
  events: z.infer<typeof eventsClaim>,
  actions: Readonly<Record<KindName, SignalAction>>,
): Asked | { readonly fault: string } {
  const stopping: { name: KindName; action: 'suspend' | 'revoke'; reason: string | undefined }[] = [];
  for (const [uri, payload] of Object.entries(events)) {
    const name = BY_URI.get(uri);
    if (name === undefined) continue;
    const known: Kind = KINDS[name];
    const parsed = known.payload.safeParse(payload);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      return { fault: `${name}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}` };
    }
    const action = actions[name];
    if (action === 'ignore' || !known.stops(parsed.data as never)) continue;
    const { reason_admin: says } = parsed.data as { reason_admin?: Record<string, string> };
    stopping.push({ name, action, reason: says && (says.en ?? Object.values(says)[0]) });
  }
  return {
    action: stopping.some(({ action }) => action === 'revoke') ? 'revoke' : stopping[0]?.action,
    because: stopping.map(({ name }) => name),
    ofStream: Object.keys(events).every((uri) => OF_STREAM.has(uri)),
    reason: stopping.find(({ reason }) => reason !== undefined)?.reason,
  };
}
