import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';

/** The security events of the specifications, and which of them stop agents. Pure. */

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/';
const RISC = 'https://schemas.openid.net/secevent/risc/event-type/';
const SSF = 'https://schemas.openid.net/secevent/ssf/event-type/';

/** About the stream itself; SSF 1.0 sections 8.1.4 and 8.1.5. */
const OF_STREAM: ReadonlySet<string> = new Set([`${SSF}verification`, `${SSF}stream-updated`]);

interface Kind {
  readonly uri: string;
  /** the member of the payload that states whether trust is taken away, and the values that mean that it is not */
  readonly unless?: { readonly member: string; readonly values: readonly string[] };
}

/** The events that can stop agents, by the names under which the configuration has their actions. */
export const KINDS = {
  'session-revoked': { uri: `${CAEP}session-revoked` },
  // a credential that is added takes nothing away
  'credential-change': { uri: `${CAEP}credential-change`, unless: { member: 'change_type', values: ['create'] } },
  'device-compliance-change': {
    uri: `${CAEP}device-compliance-change`,
    unless: { member: 'current_status', values: ['compliant'] },
  },
  'risk-level-change': {
    uri: `${CAEP}risk-level-change`,
    unless: { member: 'current_level', values: ['LOW', 'MEDIUM'] },
  },
  'account-disabled': { uri: `${RISC}account-disabled` },
  'account-purged': { uri: `${RISC}account-purged` },
  'credential-compromise': { uri: `${RISC}credential-compromise` },
} satisfies Record<string, Kind>;

export type KindName = keyof typeof KINDS;
export const KIND_NAMES = Object.keys(KINDS) as [KindName, ...KindName[]];
const BY_URI = new Map(KIND_NAMES.map((name) => [KINDS[name].uri, name]));

/** What the configuration has done for an event that stops agents. */
export const signalAction = z.enum(['suspend', 'revoke', 'ignore']);
export type SignalAction = z.infer<typeof signalAction>;

/** The `events` of a token (RFC 8417 section 2.2). A payload that is malformed keeps none of the events from its effect. */
export const eventsClaim = z
  .record(z.string().min(1).max(2_000), z.unknown())
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
 * Reads what events ask for: the strictest action of all of them. Types that are not known ask for nothing. A transmitter
 * does not deliver again what was refused, so no member is a reason to refuse: those that decide nothing are not checked,
 * and one that decides, but is missing or has no value that is known, takes trust away (I11).
 */
export function askedBy(events: z.infer<typeof eventsClaim>, actions: Readonly<Record<KindName, SignalAction>>): Asked {
  const stopping: { name: KindName; action: 'suspend' | 'revoke'; reason: string | undefined }[] = [];
  for (const [uri, payload] of Object.entries(events)) {
    const name = BY_URI.get(uri);
    if (name === undefined) continue;
    const { unless }: Kind = KINDS[name];
    const members: Readonly<Record<string, unknown>> = z.record(z.string(), z.unknown()).catch({}).parse(payload);
    const action = actions[name];
    if (action === 'ignore' || unless?.values.some((value) => value === members[unless.member])) continue;
    stopping.push({ name, action, reason: reasonIn(members.reason_admin) });
  }
  return {
    action: stopping.some(({ action }) => action === 'revoke') ? 'revoke' : stopping[0]?.action,
    because: stopping.map(({ name }) => name),
    ofStream: Object.keys(events).every((uri) => OF_STREAM.has(uri)),
    reason: stopping.find(({ reason }) => reason !== undefined)?.reason,
  };
}

/** The reason in English, or in the first language that it has (CAEP section 2); some transmitters send one text. */
function reasonIn(says: unknown): string | undefined {
  if (typeof says === 'string') return says;
  const texts = z.record(z.string(), z.unknown()).catch({}).parse(says);
  return [texts.en, ...Object.values(texts)].find((text) => typeof text === 'string');
}
