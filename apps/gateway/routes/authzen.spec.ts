import type { Context } from '../route';
import { authzenRoutes } from './authzen';

type Json = Record<string, unknown>;
const GRANT = 'grt_0_00000000000000000000000003';
const ONE: Json = {
  subject: { type: 'grant', id: GRANT },
  action: { name: 'repo.read' },
  resource: { type: 'repo', id: 'acme/x' },
};

/** Asks the route itself; the owner answers every question and every command with a permit. */
async function asked(path: string, body: Json): Promise<{ charged: number; dry: number; decisions: unknown[] }> {
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
    body,
    caller: { kind: 'service', tenant: 'default', role: 'enforcer', id: 'key:e' },
    command: (type: string, log: string, fields: Json) => ({ type, log, ...fields }),
    services: {
      owners: {
        command: () => Promise.resolve((charged++, permit)),
        query: () => Promise.resolve((dry++, permit)),
      },
    },
  } as unknown as Context;
  const route = authzenRoutes.find((each) => each.path === path)!;
  const reply = (await route.handle(context as never)) as { text: string };
  const told = JSON.parse(reply.text) as { decision?: boolean; evaluations?: { decision: boolean }[] };
  return { charged, dry, decisions: (told.evaluations ?? [told]).map((each) => each.decision) };
}
const evaluations = (body: Json) => asked('/access/v1/evaluations', body);

describe('evaluations whose defaults ask for a dry run', () => {
  it.failing('charge no item that has a context of its own', async () => {
    const answer = await evaluations({
      ...ONE,
      context: { dryRun: true },
      evaluations: [{ context: { labels: [] } }, {}, { context: {} }],
    });
    expect(answer).toEqual({ charged: 0, dry: 3, decisions: [true, true, true] });
  });
});
