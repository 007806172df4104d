import { couldUse, couldUseOn } from '@bailiwick/authority/matching/could-use';
import { normalizeResourceId } from '@bailiwick/authority/matching/pattern';
import type { Limits } from '@bailiwick/contracts/grants/grant';
import type { PermissionsView } from '@bailiwick/contracts/queries/permissions';
import { logName, logNumberOf } from '@bailiwick/core/ids';
import type { OwnerClient } from '@bailiwick/edge/owners/owner-client';
import type { PolicyReaders } from '@bailiwick/edge/policy-readers';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import { catalogName } from '../tools/definition';
import type { Operation } from './operations';

/** What a live lease could permit, by the policy in force. */
export interface LeaseView {
  readonly limits: Limits;
  readonly reader: Awaited<ReturnType<PolicyReaders['fetch']>>;
}

/** Reads leases, to list what they could permit. */
export class LeaseViews {
  constructor(
    private readonly owners: Pick<OwnerClient, 'query'>,
    private readonly readers: PolicyReaders,
  ) {}

  /** Returns undefined if the lease is not live. @throws Refused NOT_READY (I11) */
  async of({ tenant, runId, grantId }: TokenClaims): Promise<LeaseView | undefined> {
    const log = logName(tenant, logNumberOf(runId) ?? 0);
    const [{ grant }, reader] = await Promise.all([
      this.owners.query<PermissionsView>({ op: 'permissions', log, runId }),
      this.readers.fetch(log),
    ]);
    return grant.id === grantId && grant.status === 'active' ? { limits: grant.limits, reader } : undefined;
  }
}

/** Reports whether a lease could ever permit an operation of a server on any resource. */
export function couldOperate({ limits, reader }: LeaseView, server: string, tool: string): boolean {
  const verb = reader.entryOfTool(catalogName(server, tool))?.verb;
  return verb !== undefined && couldUse(limits, verb);
}

/**
 * Reports whether a lease could ever permit an operation. One whose resource is in doubt is not.
 * @param given `in part`: more of its arguments follow, so that what they do not state yet is open
 */
export function couldPermit(
  { limits, reader }: LeaseView,
  server: string,
  operation: Operation,
  given: 'whole' | 'in part' = 'whole',
): boolean {
  const tool = catalogName(server, operation.tool);
  const verb = reader.entryOfTool(tool)?.verb;
  if (verb === undefined) return false;
  const derived = reader.read({ verb, tool, args: operation.args });
  if (derived?.fault !== undefined) return given === 'in part' && couldUse(limits, verb);
  const { type, id } = derived?.resource ?? operation.resource;
  const name = normalizeResourceId(id);
  return name.ok && couldUseOn(limits, verb, { type, id: name.value });
}
