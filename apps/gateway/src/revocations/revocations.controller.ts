import { Controller } from '@nestjs/common';
import { z } from 'zod';
import type { StoredSelector } from '@bailiwick/contracts/revocations/stored-selector';
import { grantView } from '@bailiwick/contracts/grants/grant';
import {
  previewBody,
  revocationBody,
  revocationsBody,
  revokedAnswer,
  suspensionBody,
  type SelectorBody,
} from '@bailiwick/contracts/http/bodies';
import { idOf } from '@bailiwick/contracts/primitives';
import { previewView } from '@bailiwick/contracts/queries/query';
import {
  inForceAnswer,
  inForcePage,
  recordPage,
  revocationRecord,
  type RevocationRecord,
} from '@bailiwick/contracts/revocations/record';
import { deriveId } from '@bailiwick/core/derive-id';
import { logName } from '@bailiwick/core/ids';
import { payloadOf, Pseudonyms } from '../auth/pseudonyms';
import type { Role } from '../auth/roles';
import { EnforcementPoints } from '../enforcement/enforcement-points';
import { Body, Ctx, Endpoint, Params, Query } from '../http/endpoints/endpoint';
import type { RequestContext } from '../http/request-context';
import { Streamed } from '../http/responses/http-response';
import { NDJSON, streamNdjson } from '../http/responses/ndjson';
import { LogClient } from '../log-client/log-client';
import { logOf } from '../log-client/logs';
import { OwnWork } from '../log-client/own-work';
import { writeRecord } from './record-lines';
import { storedSelectorOf } from './selector-refs';

const grantId = z.strictObject({ id: idOf('grant') });
type GrantId = z.infer<typeof grantId>;
const revocationId = z.strictObject({ id: idOf('revocation') });
type RevocationId = z.infer<typeof revocationId>;
const recordQuery = z.strictObject(recordPage);
const inForceQuery = z.strictObject(inForcePage);
const suspendedAnswer = z.object({ grant: grantView, position: z.number() });

const REVOKERS: readonly Role[] = ['responder', 'orchestrator'];

/** A command is made with this id; its own is derived from the command's, so that a retry gets the same one. */
const ID_BEFORE_DERIVATION = 'rev_0_00000000000000000000000000';

interface Revoked {
  readonly revocationId: string;
  readonly position: number;
}

/** Stops grants one by one or by selector, and lifts suspensions and quarantines. */
@Controller()
export class RevocationsController {
  constructor(
    private readonly logClient: LogClient,
    private readonly pseudonyms: Pseudonyms,
    private readonly ownWork: OwnWork,
    private readonly points: EnforcementPoints,
  ) {}

  @Endpoint({
    method: 'POST',
    path: '/v1/grants/:id/revocation',
    summary:
      'Revoke a grant and everything below it; with a grant token, of what its run delegated; a person, of what is theirs',
    roles: REVOKERS,
    runs: true,
    people: true,
    answer: revokedAnswer,
  })
  async revokeGrant(
    @Ctx() context: RequestContext,
    @Params(grantId) { id }: GrantId,
    @Body(revocationBody) body: z.infer<typeof revocationBody>,
  ): Promise<unknown> {
    await this.ownWork.grantUnlessRole(context.caller, REVOKERS, id);
    const log = logOf(context.caller, id);
    const payload = payloadOf({ reason: body.reason });
    const command = context.command('revokeGrant', log, { grantId: id, payload });
    return answered(log, await this.logClient.command<Revoked>(command));
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/grants/:id/suspension',
    summary: 'Suspend a grant and everything below it; with a grant token, of what its run delegated',
    roles: ['responder', 'approver'],
    runs: true,
    answer: suspendedAnswer,
  })
  suspend(
    @Ctx() context: RequestContext,
    @Params(grantId) { id }: GrantId,
    @Body(suspensionBody) body: z.infer<typeof suspensionBody>,
  ): Promise<unknown> {
    return this.switchGrant('suspend', context, id, body.reason);
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/grants/:id/resumption',
    summary: 'Undo a suspension; with a grant token, one by its own run',
    roles: ['responder', 'approver'],
    runs: true,
    answer: suspendedAnswer,
  })
  resume(
    @Ctx() context: RequestContext,
    @Params(grantId) { id }: GrantId,
    @Body(suspensionBody) body: z.infer<typeof suspensionBody>,
  ): Promise<unknown> {
    return this.switchGrant('resume', context, id, body.reason);
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/revocations/preview',
    summary: 'Count what a revocation by selector would stop',
    roles: ['responder'],
    answer: previewView,
  })
  preview(@Ctx() { caller }: RequestContext, @Body(previewBody) body: z.infer<typeof previewBody>): Promise<unknown> {
    return this.logClient.query({
      op: 'preview',
      log: logName(caller.tenant, 0),
      selector: this.stored(caller.tenant, body.selector),
      ...(body.target === undefined ? {} : { target: body.target }),
      ...(body.quarantine === undefined ? {} : { quarantine: body.quarantine }),
    });
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/revocations',
    summary:
      'Revoke or suspend everything that a selector matches, in one event per log; of a tool: deny it, or end its leases',
    roles: ['responder'],
    answer: revokedAnswer,
  })
  async revoke(
    @Ctx() context: RequestContext,
    @Body(revocationsBody) body: z.infer<typeof revocationsBody>,
  ): Promise<unknown> {
    const { tenant } = context.caller;
    const log = logName(tenant, 0);
    const draft = context.command('revokeSelector', log, {
      revocationId: ID_BEFORE_DERIVATION,
      selector: this.stored(tenant, body.selector),
      ...(body.target === undefined ? {} : { target: body.target }),
      ...(body.digest === undefined ? {} : { previewed: { digest: body.digest.slice(0, 120), asOf: 0 } }),
      ...(body.force === undefined ? {} : { force: body.force }),
      ...(body.quarantine === undefined ? {} : { quarantine: body.quarantine }),
      ...(body.incident === undefined ? {} : { incident: body.incident }),
      ...(body.mode === 'suspend' ? { mode: body.mode } : {}),
      ...(body.until === undefined ? {} : { until: body.until }),
      payload: payloadOf({ reason: body.reason }),
    });
    const command = { ...draft, revocationId: deriveId('revocation', 0, draft.commandId) } as typeof draft;
    return answered(log, await this.logClient.command<Revoked>(command));
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/revocations',
    summary: 'The suspensions by selector and the quarantines that apply now, newest first',
    roles: ['responder', 'analyst'],
    answer: inForceAnswer,
  })
  inForce(
    @Ctx() { caller: { tenant } }: RequestContext,
    @Query(inForceQuery) query: z.infer<typeof inForceQuery>,
  ): Promise<unknown> {
    return this.logClient.ledger('in-force', { tenant, ...query });
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/revocations/:id',
    summary: 'A revocation and its consequences, grant by grant: in pages, or all of them as lines of JSON',
    roles: ['responder', 'analyst'],
    streams: true,
    answer: revocationRecord,
  })
  async get(
    @Ctx() { caller, request }: RequestContext,
    @Params(revocationId) { id }: RevocationId,
    @Query(recordQuery) query: z.infer<typeof recordQuery>,
  ): Promise<unknown> {
    const page = (after: string | undefined): Promise<RevocationRecord> =>
      this.logClient.ledger('revocation', {
        tenant: caller.tenant,
        id,
        ...query,
        ...(after === undefined ? {} : { after }),
      });
    const first = await page(undefined); // a refusal keeps its status
    if (!(request.headers.accept ?? '').includes(NDJSON)) {
      if (query.after !== undefined || first.position === undefined) return first;
      const enforcement = await this.points.enforcing(logOf(caller, id), first.position, id);
      return enforcement ? { ...first, enforcement } : first;
    }
    return new Streamed((reply) =>
      streamNdjson(reply, 'the record could not be read to its end', (line) => writeRecord(first, page, line)),
    );
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/revocations/:id/resumption',
    summary: 'Resume everything that a suspension by selector holds, in one event',
    roles: ['responder'],
    answer: revokedAnswer,
  })
  async liftSuspension(
    @Ctx() context: RequestContext,
    @Params(revocationId) { id }: RevocationId,
    @Body(suspensionBody) body: z.infer<typeof suspensionBody>,
  ): Promise<unknown> {
    const log = logOf(context.caller, id);
    const payload = payloadOf({ reason: body.reason });
    const command = context.command('liftSuspension', log, { revocationId: id, payload });
    return answered(log, await this.logClient.command<Revoked>(command));
  }

  @Endpoint({
    method: 'DELETE',
    path: '/v1/quarantines/:id',
    summary: 'Lift a quarantine: new grants that match are issued again',
    roles: ['responder'],
  })
  async liftQuarantine(@Ctx() context: RequestContext, @Params(revocationId) { id }: RevocationId): Promise<unknown> {
    const log = logOf(context.caller, id);
    return answered(
      log,
      await this.logClient.command<Revoked>(context.command('liftQuarantine', log, { revocationId: id })),
    );
  }

  private async switchGrant(
    type: 'suspend' | 'resume',
    context: RequestContext,
    id: string,
    reason: string | undefined,
  ): Promise<unknown> {
    const command = context.command(type, logOf(context.caller, id), {
      grantId: id,
      reasonCode: context.caller.kind === 'run' ? 'BY_RUN' : 'BY_PERSON',
      payload: payloadOf({ reason }),
    });
    return this.logClient.command(command);
  }

  /** The selector as it is stored: people and purposes by ref, never by name (I9). */
  private stored(tenant: string, selector: SelectorBody): StoredSelector {
    return storedSelectorOf(selector, {
      person: (name) => this.pseudonyms.ref(tenant, 'person', name),
      purpose: (text) => this.pseudonyms.ref(tenant, 'purpose', text),
    });
  }
}

const answered = (log: string, { revocationId, position }: Revoked) => ({
  revocationId,
  positions: { [log]: position },
});
