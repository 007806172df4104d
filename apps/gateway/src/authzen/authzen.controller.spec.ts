import { DryRuns, type DryRun } from '../reporting/dry-runs';
import { metricsText } from '../reporting/metrics';
import type { GatewayConfig } from '../config';
import type { Reply } from '../http/responses/http-response';
import type { RequestContext } from '../http/request-context';
import { ActionDecisions } from '../actions/action-decisions';
import type { LogClient } from '../log-client/log-client';
import { Pseudonyms } from '../auth/pseudonyms';
import { AuthzenController } from './authzen.controller';
import { Evaluations } from './evaluations';
import type { RequestableDenials } from './requests/requestable-denials';
import { Subjects } from './subjects';

type Json = Record<string, unknown>;
const GRANT = 'grt_0_00000000000000000000000003';
const ONE: Json = {
  subject: { type: 'grant', id: GRANT },
  action: { name: 'repo.read' },
  resource: { type: 'repo', id: 'acme/x' },
};

const lines: DryRun[] = [];

/** Calls the controller; the owner answers every query and command with a permit. */
async function asked(
  path: string,
  body: Json,
  role = 'enforcer',
): Promise<{ charged: number; dry: number; decisions: unknown[] }> {
  let [charged, dry] = [0, 0];
  const permit = {
    decision: 'permit',
    actionId: 'act_0_x',
    reasons: [],
    obligations: [],
    expiresAt: '',
    remaining: {},
  };
  const context = {
    caller: { kind: 'key', tenant: 'default', roles: [role], actor: { kind: 'service', id: 'key:e' } },
    command: (type: string, log: string, fields: Json) => ({ type, log, commandId: 'cmd_1', ...fields }),
  } as unknown as RequestContext;
  const logClient = {
    submit: () => Promise.resolve((charged++, { ok: true, value: permit })),
    question: () => Promise.resolve((dry++, { ok: true, value: permit })),
  } as unknown as LogClient;
  const evaluations = new Evaluations(new ActionDecisions(logClient), new DryRuns((line) => lines.push(line)));
  const subjects = new Subjects(logClient, new Pseudonyms(Buffer.alloc(32)));
  const denials = { contextOf: () => Promise.resolve({}) } as unknown as RequestableDenials;
  const controller = new AuthzenController(evaluations, subjects, denials, {} as GatewayConfig);
  const reply: Reply = await (path.endsWith('s')
    ? controller.evaluateAll(context, body)
    : controller.evaluate(context, body));
  const response = JSON.parse((reply.content as { text: string }).text) as {
    decision?: boolean;
    evaluations?: { decision: boolean }[];
  };
  return { charged, dry, decisions: (response.evaluations ?? [response]).map((each) => each.decision) };
}
const evaluations = (body: Json) => asked('/access/v1/evaluations', body);

const evaluation = (body: Json) => asked('/access/v1/evaluation', body);

describe('AuthzenController: evaluations whose defaults request a dry run', () => {
  it.each<[string, Json]>([
    ['an item has a context with other members', { context: { labels: [] } }],
    ['an item has an empty context', { context: {} }],
    ['an item has no context', {}],
    ['an item states false', { context: { dryRun: false } }],
    ['an item requests it too', { context: { dryRun: true } }],
    ['an item overrides every default', { ...ONE, context: { cost: { USD: 5 } } }],
  ])('charges nothing if %s', async (_case, item) => {
    const answer = await evaluations({ ...ONE, context: { dryRun: true }, evaluations: [item, {}] });
    expect(answer).toEqual({ charged: 0, dry: 2, decisions: [true, true] });
  });

  it.each(['execute_all', 'deny_on_first_deny', 'permit_on_first_permit'])(
    'charges nothing under %s',
    async (semantic) => {
      const options = { evaluations_semantic: semantic };
      const answer = await evaluations({
        ...ONE,
        options,
        context: { dryRun: true },
        evaluations: [{ context: {} }, {}],
      });
      expect(answer.charged).toBe(0);
      expect(answer.dry).toBe(semantic === 'permit_on_first_permit' ? 1 : 2);
    },
  );

  it.each<[string, Json, Json]>([
    ['the body', { dryRun: true }, {}],
    ['the options', { options: { dryRun: true } }, {}],
    ['the body, and an item denies it', { dryRun: true }, { dryRun: false, context: { dryRun: false } }],
    ['the context of the defaults, and the body denies it', { dryRun: false, context: { dryRun: true } }, {}],
  ])('charges nothing if the request is in %s', async (_place, more, item) => {
    expect(await evaluations({ ...ONE, ...more, evaluations: [item, { ...ONE, ...item }] })).toEqual({
      charged: 0,
      dry: 2,
      decisions: [true, true],
    });
    expect(await evaluations({ ...ONE, ...more })).toMatchObject({ charged: 0, dry: 1 });
  });

  it('charges nothing for an item that requests it outside its context', async () => {
    const items = [{ dryRun: true }, {}, { ...ONE, dryRun: true, context: {} }];
    expect(await evaluations({ ...ONE, evaluations: items })).toMatchObject({ charged: 1, dry: 2 });
    expect(await evaluation({ ...ONE, dryRun: true })).toMatchObject({ charged: 0, dry: 1 });
  });

  it('charges nothing if there are no items', async () => {
    expect(await evaluations({ ...ONE, context: { dryRun: true }, evaluations: [] })).toMatchObject({
      charged: 0,
      dry: 1,
    });
    expect(await evaluations({ ...ONE, context: { dryRun: true } })).toMatchObject({ charged: 0, dry: 1 });
  });
});

describe('AuthzenController: evaluations whose defaults request no dry run', () => {
  it('charges the items that do not request one', async () => {
    const items = [{ context: { dryRun: true } }, {}, { context: { dryRun: false } }];
    expect(await evaluations({ ...ONE, evaluations: items })).toMatchObject({ charged: 2, dry: 1 });
    expect(await evaluations({ ...ONE, context: { dryRun: false }, evaluations: items })).toMatchObject({
      charged: 2,
      dry: 1,
    });
  });

  it('denies an item whose request for a dry run is malformed, and charges the others', async () => {
    for (const context of [{ dryRun: 'true' }, { dryRun: 1 }, { dryRun: null }, { dry_run: true }, { DryRun: true }])
      expect(await evaluations({ ...ONE, evaluations: [{ context }, {}] })).toEqual({
        charged: 1,
        dry: 0,
        decisions: [false, true],
      });
  });
});

describe('AuthzenController: a malformed or misplaced request for a dry run', () => {
  it.each<[string, Json]>([
    ['in the defaults, as a string', { context: { dryRun: 'yes' } }],
    ['in the defaults, as a number', { context: { dryRun: 1 } }],
    ['in the defaults, as null', { context: { dryRun: null } }],
    ['in the body, as a string', { dryRun: 'yes' }],
    ['in the options, as a number', { options: { dryRun: 1 } }],
    ['in the body, in another case', { DryRun: true }],
    ['in another spelling', { context: { dry_run: true } }],
    ['in another case', { context: { dryrun: true } }],
  ])('is refused, and nothing is charged: %s', async (_case, more) => {
    const refused = { code: 'BAD_REQUEST' };
    expect(await evaluations({ ...ONE, ...more, evaluations: [{}] }).catch((error: unknown) => error)).toMatchObject(
      refused,
    );
    if (!('options' in more))
      expect(await evaluation({ ...ONE, ...more }).catch((error: unknown) => error)).toMatchObject(refused);
  });

  it('does not affect well-formed requests', async () => {
    expect(await evaluation({ ...ONE, context: { dryRun: true } })).toMatchObject({ charged: 0, dry: 1 });
    expect(await evaluation(ONE)).toMatchObject({ charged: 1, dry: 0 });
  });
});

describe('AuthzenController: a property that contradicts the argument of the same name', () => {
  const contradicting: Json = {
    ...ONE,
    action: { name: 'repo.read', properties: { args: { amount: 41 } } },
    resource: { type: 'repo', id: 'acme/x', properties: { amount: 42 } },
  };

  it('is refused with both places, without their values, and nothing is charged', async () => {
    for (const context of [{}, { dryRun: true }]) {
      const refused = await evaluation({ ...contradicting, context }).catch((error: unknown) => error);
      expect(refused).toMatchObject({
        code: 'ATTRIBUTE_CONTRADICTS_ARGS',
        detail: expect.stringMatching(/^resource\.attributes\.amount .* action\.args\.amount(?!.*4[12])/),
      });
    }
  });

  it('denies its item of several', async () => {
    expect(await evaluations({ evaluations: [contradicting, ONE] })).toMatchObject({
      charged: 1,
      decisions: [false, true],
    });
  });
});

describe('AuthzenController: a dry run', () => {
  it('is all that an analyst may ask for', async () => {
    const path = '/access/v1/evaluation';
    expect(await asked(path, { ...ONE, context: { dryRun: true } }, 'analyst')).toMatchObject({ charged: 0, dry: 1 });
    for (const context of [{}, { dryRun: false }])
      await expect(asked(path, { ...ONE, context }, 'analyst')).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it('is counted by tenant and decision; a charged evaluation is not', async () => {
    const count = async (): Promise<number> =>
      Number(
        /^bailiwick_dry_runs_total\{tenant="default".*decision="permit"\} (\d+)$/m.exec(await metricsText())?.[1] ?? 0,
      );
    const before = await count();
    await evaluation({ ...ONE, context: { dryRun: true } });
    await evaluation({ ...ONE, context: { dryRun: false } });
    expect(await count()).toBe(before + 1);
  });

  it('logs a line with ids only, without the contents of the request', async () => {
    lines.length = 0;
    const action = { name: 'repo.read', properties: { args: { password: 'hunter2' } } };
    await evaluation({ ...ONE, action, context: { dryRun: true } });
    await evaluation({ ...ONE, action, context: { dryRun: false } });
    const ids = { tenant: 'default', asker: 'key', actor: 'key:e', grantId: GRANT, commandId: 'cmd_1' };
    expect(lines).toEqual([{ ...ids, decision: 'permit' }]);
  });
});
