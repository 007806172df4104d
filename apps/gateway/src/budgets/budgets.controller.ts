import { Controller } from '@nestjs/common';
import { z } from 'zod';
import {
  budgetName,
  tenantBudgetRemovedAnswer,
  tenantBudgetsAnswer,
  tenantBudgetSetAnswer,
  tenantBudgetView,
  type TenantBudgetView,
} from '@bailiwick/contracts/budgets/tenant-budget';
import { tenantBudgetBody, type TenantBudgetBody } from '@bailiwick/contracts/http/bodies';
import { logName } from '@bailiwick/core/ids';
import type { Role } from '../auth/api-keys';
import { PersonNames } from '../auth/person-names';
import { payloadOf, Pseudonyms } from '../auth/pseudonyms';
import { Body, Ctx, Endpoint, Params } from '../http/endpoints/endpoint';
import type { RequestContext } from '../http/request-context';
import { LogClient } from '../log-client/log-client';

const named = z.strictObject({ name: budgetName });
type Named = z.infer<typeof named>;
/** A budget shows the name of its person. */
const READ_ROLES: readonly Role[] = ['admin', 'analyst', 'responder'];

/** Caps that all matching runs of a tenant draw from together. They are in the log in which its runs are opened. */
@Controller()
export class BudgetsController {
  constructor(
    private readonly logClient: LogClient,
    private readonly pseudonyms: Pseudonyms,
    private readonly names: PersonNames,
  ) {}

  @Endpoint({
    method: 'PUT',
    path: '/v1/budgets/:name',
    summary: 'Set caps that all matching runs draw from together; a changed budget keeps its usage',
    roles: ['admin'],
    answer: tenantBudgetSetAnswer,
  })
  async set(
    @Ctx() context: RequestContext,
    @Params(named) { name }: Named,
    @Body(tenantBudgetBody) { selector, budget }: TenantBudgetBody,
  ): Promise<unknown> {
    const { tenant } = context.caller;
    const { principal, ...rest } = selector;
    const command = context.command('setTenantBudget', logName(tenant, 0), {
      name,
      selector: {
        ...rest,
        ...(principal === undefined ? {} : { principalRef: this.pseudonyms.ref(tenant, 'person', principal) }),
      },
      budget,
      ...(principal === undefined ? {} : { payload: payloadOf({ principal }) }),
    });
    const set = await this.logClient.command<z.infer<typeof tenantBudgetSetAnswer>>(command);
    const who = principal === undefined ? {} : { principal };
    return { ...set, budget: { ...set.budget, selector: { ...set.budget.selector, ...who } } };
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/budgets',
    summary: 'The tenant budgets, with what was drawn from them',
    roles: READ_ROLES,
    answer: tenantBudgetsAnswer,
  })
  async list(@Ctx() { caller }: RequestContext): Promise<unknown> {
    const query = { op: 'tenantBudgets', log: logName(caller.tenant, 0) } as const;
    return this.names.shown(caller, await this.logClient.query<object>(query));
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/budgets/:name',
    summary: 'A tenant budget, with what was drawn from it',
    roles: READ_ROLES,
    answer: tenantBudgetView,
  })
  async get(@Ctx() { caller }: RequestContext, @Params(named) { name }: Named): Promise<unknown> {
    const query = { op: 'tenantBudgets', log: logName(caller.tenant, 0), name } as const;
    const { items } = await this.logClient.query<{ items: TenantBudgetView[] }>(query);
    return items[0] && this.names.shown(caller, items[0]);
  }

  @Endpoint({
    method: 'DELETE',
    path: '/v1/budgets/:name',
    summary: 'Remove a tenant budget, with its usage',
    roles: ['admin'],
    answer: tenantBudgetRemovedAnswer,
  })
  remove(@Ctx() context: RequestContext, @Params(named) { name }: Named): Promise<unknown> {
    return this.logClient.command(context.command('removeTenantBudget', logName(context.caller.tenant, 0), { name }));
  }
}
