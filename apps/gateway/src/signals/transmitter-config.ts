import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { freeText, tenantName } from '@bailiwick/contracts/primitives';
import { transmitterName } from '@bailiwick/contracts/signals/signal-record';
import { LIMITS } from '@bailiwick/core/limits';
import { isSafeAddress } from '@bailiwick/core/safe-address';
import { ALGORITHMS } from '../auth/issuers/issuer-config';
import { KIND_NAMES, signalAction, type KindName, type SignalAction } from './signal-events';
import { subjectMapping } from './signal-subjects';

/**
 * The configuration of the transmitters whose security events are received: the file `signals.json`. It is read once, at
 * the start. A malformed file stops the start: a transmitter that is not heard stops no agent.
 */

/** `https:`, and `http:` for this machine alone: keys and tokens that are fetched in the clear can be replaced. */
const address = z
  .url()
  .max(2_000)
  .refine((url) => isSafeAddress(url), { error: 'must be an https URL, or http on localhost' });

const actions = z
  .partialRecord(z.enum(KIND_NAMES), signalAction)
  .default({})
  .transform((given) => {
    const filled = KIND_NAMES.map((name): [KindName, SignalAction] => [name, given[name] ?? 'suspend']);
    return Object.fromEntries(filled) as Record<KindName, SignalAction>;
  });

export const transmitterConfig = z
  .strictObject({
    /** in the path of its push endpoint, and in events */
    name: transmitterName,
    /** exactly as in the `iss` claim */
    issuer: address,
    /** where its keys are, without discovery */
    jwksUri: address.optional(),
    /** one of these must be in `aud` */
    audience: z.union([freeText(2_000), z.array(freeText(2_000)).min(1).max(16)]),
    algorithms: z.array(z.enum(ALGORITHMS)).min(1).default(['RS256', 'PS256', 'ES256', 'EdDSA']),
    /** seconds by which the clocks may differ */
    clockSkew: z.number().int().min(0).max(300).default(30),
    /** seconds after `iat` for which a token is accepted: a transmitter delivers late after an outage */
    maxAge: z
      .number()
      .int()
      .min(60)
      .max(30 * 86_400)
      .default(7 * 86_400),
    /** whose runs it may stop */
    tenant: tenantName.default('default'),
    /** it delivers to `POST /v1/signals/<name>` with `Authorization: Bearer <secret>`: the SHA-256 of the secret, in hex */
    push: z.strictObject({ secretSha256: z.string().regex(/^[0-9a-f]{64}$/) }).optional(),
    /** tokens are fetched there (RFC 8936); `authorization` is the whole header */
    poll: z
      .strictObject({
        endpoint: address,
        authorization: z
          .string()
          .min(1)
          .max(8_192)
          .regex(/^[\x20-\x7e]+$/, 'must be printable ASCII'),
        /** seconds between two polls */
        every: z.number().int().min(1).max(3_600).default(5),
      })
      .optional(),
    /** whom its subjects stand for; what is not mapped is stopped by no token */
    subjects: z.array(subjectMapping).min(1).max(LIMITS.signals.subjects),
    /** what an event does; `suspend` unless stated */
    actions,
    /** no new lease of a stopped principal or instance is issued, until the quarantine is lifted */
    quarantine: z.boolean().default(false),
  })
  .refine(({ push, poll }) => push !== undefined || poll !== undefined, { error: 'state push, poll or both' });
export type TransmitterConfig = z.infer<typeof transmitterConfig>;

const signalsFile = z.strictObject({ transmitters: z.array(transmitterConfig).max(LIMITS.signals.transmitters) });

/** Reads the configured transmitters; without the file there are none. @throws Error with the member at fault */
export function readTransmitters(file: string, own: string): readonly TransmitterConfig[] {
  if (!existsSync(file)) return [];
  return checkedTransmitters(JSON.parse(readFileSync(file, 'utf8')), own);
}

/** @param own the address of this installation @throws Error with the member at fault */
export function checkedTransmitters(raw: unknown, own: string): readonly TransmitterConfig[] {
  const parsed = signalsFile.safeParse(raw);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`);
    throw new Error(`signals.json: ${faults.slice(0, 4).join('; ')}`);
  }
  const { transmitters } = parsed.data;
  for (const [at, { name, issuer, tenant }] of transmitters.entries()) {
    if (issuer === own) throw new Error(`signals.json: ${own} is this installation`);
    const earlier = transmitters.slice(0, at);
    if (earlier.some((each) => each.name === name)) throw new Error(`signals.json: two transmitters are named ${name}`);
    if (earlier.some((each) => each.issuer === issuer && each.tenant === tenant))
      throw new Error(`signals.json: ${issuer} is listed twice for ${tenant}`);
  }
  return transmitters;
}
