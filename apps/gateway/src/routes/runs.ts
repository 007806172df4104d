import { z } from 'zod';
import type { GrantView, RunView } from '@bailiwick/contracts/grant';
import { grantView, runView } from '@bailiwick/contracts/grant';
import {
  completionBody,
  delegationBody,
  escalationBody,
  grantedAnswer,
  openRunBody,
  pendingAnswer,
} from '@bailiwick/contracts/http';
import { idOf } from '@bailiwick/contracts/primitives';
import type { ApprovalView, TreeView } from '@bailiwick/contracts/query';
import { treeView } from '@bailiwick/contracts/query';
import { logName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { logOf, ownGrant, ownRun } from '../log-client/logs';
import { ownBranch } from '../auth/own-branch';
import { payloadOf } from '../auth/pseudonyms';
import { Refused } from '../http/problem';
import { route, type Context, type Reply, type Route } from '../http/route';

interface Issued {
  run: RunView;
  grant?: GrantView;
  approval?: ApprovalView;
  position: number;
}

/** 201 with a token, or 202 where a person must approve first. */
async function issued({ services, caller }: Pick<Context, 'services' | 'caller'>, value: Issued): Promise<Reply> {
  const { run, grant, approval, position } = value;
  if (!grant) return { status: 202, body: { run, approval, position } };
  const token = await services.tokens.mint(caller.tenant, run, grant);
  return { status: 201, body: { run, grant, token, expiresAt: grant.limits.time.expiresAt, position } };
}

const runId = z.strictObject({ id: idOf('run') });
const grantId = z.strictObject({ id: idOf('grant') });

export const runRoutes: Route[] = [
  route({
    method: 'POST',
    path: '/v1/runs',
    summary: 'Open a root run and ask for its grant',
    roles: ['orchestrator'],
    body: openRunBody,
    answer: z.union([grantedAnswer, pendingAnswer]),
    status: 201,
    async handle(context) {
      const { body, caller, services } = context;
      const log = logName(caller.tenant, 0);
      const command = context.command('openRun', log, {
        agent: body.agent,
        principalRef: services.pseudonyms.ref(caller.tenant, 'person', body.requestedBy),
        purposeRef: services.pseudonyms.ref(caller.tenant, 'purpose', body.purpose),
        grant: body.grant,
        ...(body.requireApproval === undefined ? {} : { requireApproval: body.requireApproval }),
        payload: payloadOf({ purpose: body.purpose, requestedBy: body.requestedBy }),
      });
      return issued(context, await services.owners.command<Issued>(command));
    },
  }),
  route({
    method: 'POST',
    path: '/v1/grants/:id/delegations',
    summary: 'Make a child run with a narrower grant',
    roles: ['orchestrator'],
    runs: true,
    params: grantId,
    body: delegationBody,
    answer: grantedAnswer,
    status: 201,
    async handle(context) {
      const { body, caller, services, params } = context;
      ownGrant(caller, params.id);
      const command = context.command('delegate', logOf(caller, params.id), {
        grantId: params.id,
        agent: body.agent,
        purposeRef: services.pseudonyms.ref(caller.tenant, 'purpose', body.purpose ?? body.task),
        grant: body.grant,
        payload: payloadOf({ task: body.task, purpose: body.purpose }),
      });
      return issued(context, await services.owners.command<Issued>(command));
    },
  }),
  route({
    method: 'GET',
    path: '/v1/runs/:id',
    summary: 'A run, as it is now',
    roles: ['orchestrator', 'enforcer', 'approver', 'responder', 'analyst'],
    runs: true,
    params: runId,
    answer: runView,
    async handle({ caller, services, params }) {
      ownRun(caller, params.id);
      return { body: await services.owners.look('run', logOf(caller, params.id), params.id) };
    },
  }),
  route({
    method: 'GET',
    path: '/v1/grants/:id',
    summary: 'A grant, as it is now',
    roles: ['orchestrator', 'enforcer', 'approver', 'responder', 'analyst'],
    runs: true,
    params: grantId,
    answer: grantView,
    async handle({ caller, services, params }) {
      ownGrant(caller, params.id);
      return { body: await services.owners.look('grant', logOf(caller, params.id), params.id) };
    },
  }),
  route({
    method: 'GET',
    path: '/v1/trees/:id',
    summary: 'A grant tree, as it is now, or as it was at a position or time; with a grant token, the own branch of it',
    roles: ['orchestrator', 'approver', 'responder', 'analyst'],
    runs: true,
    params: z.strictObject({ id: idOf('tree') }),
    query: z.strictObject({ at: z.string().max(40).optional() }),
    answer: treeView,
    async handle({ caller, services, params, query }) {
      const log = logOf(caller, params.id);
      const tree =
        query.at === undefined
          ? await services.owners.look<TreeView>('tree', log, params.id)
          : await services.owners.ledger<TreeView>(
              'tree-at',
              { tenant: caller.tenant, treeId: params.id, at: query.at },
              LIMITS.verifyMs,
            );
      if (caller.kind !== 'run') return { body: tree };
      if (!tree.runs.some((run) => run.id === caller.runId))
        throw new Refused('FORBIDDEN', 'a grant token may only read its own tree');
      return { body: ownBranch(tree, caller.runId) };
    },
  }),
  route({
    method: 'POST',
    path: '/v1/runs/:id/completion',
    summary: 'Report a run done: its lease ends, and with it everything below',
    roles: ['orchestrator'],
    runs: true,
    params: runId,
    body: completionBody,
    answer: z.object({ run: runView, position: z.number() }),
    async handle(context) {
      ownRun(context.caller, context.params.id);
      const command = context.command('completeRun', logOf(context.caller, context.params.id), {
        runId: context.params.id,
      });
      return { body: await context.services.owners.command(command) };
    },
  }),
  route({
    method: 'POST',
    path: '/v1/runs/:id/escalations',
    summary: 'Ask a person for more than the run has',
    roles: ['orchestrator'],
    runs: true,
    params: runId,
    body: escalationBody,
    answer: pendingAnswer,
    status: 202,
    async handle(context) {
      const { caller, params, body } = context;
      ownRun(caller, params.id);
      const command = context.command('escalate', logOf(caller, params.id), {
        runId: params.id,
        want: body.want,
        payload: payloadOf({ reason: body.reason }),
      });
      return { status: 202, body: await context.services.owners.command(command) };
    },
  }),
];
