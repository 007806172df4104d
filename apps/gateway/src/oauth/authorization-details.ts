import { z } from 'zod';
import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import { delegationBody } from '@bailiwick/contracts/http/bodies';
import { readBody } from '@bailiwick/edge/json-body';
import { OAuthRefused } from '../http/problems/oauth-error';

/** The one type of `authorization_details` (RFC 9396): a lease. */
export const LEASE_TYPE = 'bailiwick_lease';

const lease = delegationBody
  .partial({ agent: true })
  .extend({ type: z.literal(LEASE_TYPE) })
  .strict();
const details = z.array(lease).length(1);
export type LeaseDetails = z.infer<typeof lease>;

const refused = (why: string): OAuthRefused =>
  new OAuthRefused('invalid_authorization_details', `authorization_details: ${why}`);

/**
 * Reads the limits of the lease that a request asks for. An unknown type or member, a missing one, and one of another type
 * are refused (RFC 9396 section 5).
 * @throws OAuthRefused invalid_authorization_details
 */
export function readDetails(text: string | undefined): LeaseDetails {
  if (text === undefined) throw refused(`send one object of type ${LEASE_TYPE}`);
  let value: unknown;
  try {
    value = readBody(Buffer.from(text));
  } catch (error) {
    throw refused((error as Error).message);
  }
  const parsed = details.safeParse(value);
  if (parsed.success) return parsed.data[0] as LeaseDetails;
  const issues = parsed.error.issues.slice(0, 8).map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`);
  throw refused(issues.join('; '));
}

/** States what was granted (RFC 9396 section 7): the whole limits of a live lease. */
export function detailsOf(run: RunView, grant: GrantView): Record<string, unknown>[] {
  const { agent, task, purpose } = run;
  return [
    {
      type: LEASE_TYPE,
      agent,
      ...(task === undefined || task === null ? {} : { task }),
      ...(purpose === null ? {} : { purpose }),
      grant: grant.limits,
      runId: run.id,
      grantId: grant.id,
    },
  ];
}
