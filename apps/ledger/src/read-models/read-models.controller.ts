import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { idOf, tenantName } from '@bailiwick/contracts/primitives';
import { inForcePage, recordPage } from '@bailiwick/contracts/revocations/record';
import { regrantsQuery } from '@bailiwick/contracts/revocations/regrants';
import { LIMITS } from '@bailiwick/core/limits';
import { ledgerSubject } from '@bailiwick/messaging/subjects';
import { z } from 'zod';
import { ZodPipe } from '@bailiwick/platform/rpc/zod.pipe';
import type { Kind } from '../search/find-by-id';
import { runQuery, type RunQuery } from '../search/queries';
import { ArchivedTrees } from './archived-trees';
import { DriftScores } from './drift-scores';
import { Regrants } from './regrants';
import { Revocations } from './revocations';

const one = <K extends Kind>(kind: K) => z.strictObject({ tenant: tenantName, kind: z.literal(kind), id: idOf(kind) });
const archivedQuery = z.discriminatedUnion('kind', [one('run'), one('grant'), one('tree'), one('approval')]);
type ArchivedQuery = z.infer<typeof archivedQuery>;

const revocationQuery = z.strictObject({ tenant: tenantName, id: idOf('revocation'), ...recordPage });
const regrantsOf = z.strictObject({
  tenant: tenantName,
  id: idOf('revocation'),
  ...regrantsQuery,
  grantIds: z.array(idOf('grant')).max(LIMITS.regrantsPage).optional(),
});
type RegrantsOf = z.infer<typeof regrantsOf>;
type RevocationQuery = z.infer<typeof revocationQuery>;
const inForceQuery = z.strictObject({ tenant: tenantName, ...inForcePage });
type InForceQuery = z.infer<typeof inForceQuery>;

@Controller()
export class ReadModelsController {
  constructor(
    private readonly archivedTrees: ArchivedTrees,
    private readonly driftScores: DriftScores,
    private readonly revocations: Revocations,
    private readonly regrants: Regrants,
  ) {}

  @MessagePattern(ledgerSubject('ended'))
  archived(@Payload(new ZodPipe(archivedQuery)) { tenant, kind, id }: ArchivedQuery): Promise<Answer> {
    return this.archivedTrees.find(tenant, kind, id);
  }

  @MessagePattern(ledgerSubject('drift'))
  drift(@Payload(new ZodPipe(runQuery)) query: RunQuery): Promise<Answer> {
    return this.driftScores.ofRun(query);
  }

  @MessagePattern(ledgerSubject('revocation'))
  revocation(@Payload(new ZodPipe(revocationQuery)) { tenant, id, ...page }: RevocationQuery): Promise<Answer> {
    return this.revocations.find(tenant, id, page);
  }

  @MessagePattern(ledgerSubject('in-force'))
  inForce(@Payload(new ZodPipe(inForceQuery)) { tenant, ...page }: InForceQuery): Promise<Answer> {
    return this.revocations.inForce(tenant, page);
  }

  @MessagePattern(ledgerSubject('regrants'))
  propose(@Payload(new ZodPipe(regrantsOf)) { tenant, id, ...query }: RegrantsOf): Promise<Answer> {
    return this.regrants.propose(tenant, id, query);
  }
}
