import { z } from 'zod';
import type { StoredSelector } from '@bailiwick/contracts/event';
import { grantView } from '@bailiwick/contracts/grant';
import {
  previewBody,
  revocationBody,
  revocationsBody,
  revokedAnswer,
  suspensionBody,
  type selectorBody,
} from '@bailiwick/contracts/http';
import { idOf } from '@bailiwick/contracts/primitives';
import { previewView, type PreviewView } from '@bailiwick/contracts/query';
import { deriveId } from '@bailiwick/core/derive-id';
import { logName } from '@bailiwick/core/ids';
import { logOf } from '../log-client/logs';
import { payloadOf } from '../auth/pseudonyms';
import { route, type Context, type Route } from '../http/route';

const grantId = z.strictObject({ id: idOf('grant') });

/** People and purposes are matched by ref: their words stand in no rule. */
function stored(
  { services, caller }: Pick<Context, 'services' | 'caller'>,
  { principal, purpose, ...rest }: z.infer<typeof selectorBody>,
): StoredSelector {
  return {
    ...rest,
    ...(principal === undefined ? {} : { principalRef: services.pseudonyms.ref(caller.tenant, 'person', principal) }),
    ...(purpose === undefined ? {} : { purposeRef: services.pseudonyms.ref(caller.tenant, 'purpose', purpose) }),
  };
}

type Changed = { revocationId: string; position: number };
const answered = (log: string, { revocationId, position }: Changed) => ({
  revocationId,
  positions: { [log]: position },
});

const grantSwitch = (path: string, type: 'suspend' | 'resume', summary: string): Route =>
  route({
    method: 'POST',
    path,
    summary,
    roles: ['responder', 'approver'],
    params: grantId,
    body: suspensionBody,
    answer: z.object({ grant: grantView, position: z.number() }),
    async handle(context) {
      const { params, body, caller } = context;
      const command = context.command(type, logOf(caller, params.id), {
        grantId: params.id,
        reasonCode: 'BY_PERSON',
        payload: payloadOf({ reason: body.reason }),
      });
      return { body: await context.services.owners.command(command) };
    },
  });

export const revocationRoutes: Route[] = [
  route({
    method: 'POST',
    path: '/v1/grants/:id/revocation',
    summary: 'Revoke a grant and everything below it',
    roles: ['responder', 'orchestrator'],
    params: grantId,
    body: revocationBody,
    answer: revokedAnswer,
    async handle(context) {
      const { params, body, caller } = context;
      const log = logOf(caller, params.id);
      const command = context.command('revokeGrant', log, {
        grantId: params.id,
        payload: payloadOf({ reason: body.reason }),
      });
      return { body: answered(log, await context.services.owners.command<Changed>(command)) };
    },
  }),
  grantSwitch('/v1/grants/:id/suspension', 'suspend', 'Suspend a grant and everything below it'),
  grantSwitch('/v1/grants/:id/resumption', 'resume', 'Undo a suspension'),
  route({
    method: 'POST',
    path: '/v1/revocations/preview',
    summary: 'Count what a revocation by selector would stop',
    roles: ['responder'],
    body: previewBody,
    answer: previewView,
    async handle(context) {
      const { caller, services, body } = context;
      const log = logName(caller.tenant, 0);
      return {
        body: await services.owners.query<PreviewView>({
          op: 'preview',
          log,
          selector: stored(context, body.selector),
          ...(body.target === undefined ? {} : { target: body.target }),
          ...(body.quarantine === undefined ? {} : { quarantine: body.quarantine }),
        }),
      };
    },
  }),
  route({
    method: 'POST',
    path: '/v1/revocations',
    summary: 'Revoke everything that a selector matches, in one event per log; of a tool: deny it, or end its leases',
    roles: ['responder'],
    body: revocationsBody,
    answer: revokedAnswer,
    async handle(context) {
      const { caller, services, body } = context;
      const log = logName(caller.tenant, 0);
      const draft = context.command('revokeSelector', log, {
        revocationId: 'rev_0_00000000000000000000000000',
        selector: stored(context, body.selector),
        ...(body.target === undefined ? {} : { target: body.target }),
        ...(body.digest === undefined ? {} : { previewed: { digest: body.digest.slice(0, 120), asOf: 0 } }),
        ...(body.force === undefined ? {} : { force: body.force }),
        ...(body.quarantine === undefined ? {} : { quarantine: body.quarantine }),
        payload: payloadOf({ reason: body.reason }),
      });
      const command = { ...draft, revocationId: deriveId('revocation', 0, draft.commandId) } as typeof draft;
      return { body: answered(log, await services.owners.command<Changed>(command)) };
    },
  }),
  route({
    method: 'GET',
    path: '/v1/revocations/:id',
    summary: 'A revocation and its consequences, grant by grant',
    roles: ['responder', 'analyst'],
    params: z.strictObject({ id: idOf('revocation') }),
    async handle({ caller, services, params }) {
      return { body: await services.owners.ledger('revocation', { tenant: caller.tenant, id: params.id }) };
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/quarantines/:id',
    summary: 'Lift a quarantine: new grants that match are issued again',
    roles: ['responder'],
    params: z.strictObject({ id: idOf('revocation') }),
    async handle(context) {
      const log = logOf(context.caller, context.params.id);
      const command = context.command('liftQuarantine', log, { revocationId: context.params.id });
      return { body: answered(log, await context.services.owners.command<Changed>(command)) };
    },
  }),
];
