import fc from 'fast-check';
import { EFFECTS, RISKS } from '@bailiwick/contracts/grants/grant';
import { compileCatalog } from '@bailiwick/authority/matching/catalog/compile';
import { readOpenApi } from './open-api';
import { proposalsFor } from './proposals';

fc.configureGlobal({ seed: 20261130 });

const DOCUMENT = `
openapi: 3.1.0
info: { title: CRM, version: "1" }
paths:
  /customers/{id}:
    get: { operationId: getCustomer, responses: {} }
    delete: { operationId: getRidOfCustomer, responses: {} }
  /customers/{id}/orders/{order}:
    patch: { responses: {} }
  /reports/{id}.json:
    get: { responses: {} }
  /shared: { $ref: '#/components/pathItems/shared' }
  /away: { $ref: 'https://evil.test/items.yaml#/away' }
components:
  pathItems: { shared: { post: { operationId: send-email, responses: {} } } }
`;

describe('readOpenApi', () => {
  it('reads the operations of a document, and states what it leaves out', async () => {
    const { operations, left } = await readOpenApi(DOCUMENT);
    expect(operations.map(({ method, path, name }) => [method, path, name])).toEqual([
      ['GET', '/customers/{id}', 'getCustomer'],
      ['DELETE', '/customers/{id}', 'getRidOfCustomer'],
      ['PATCH', '/customers/{id}/orders/{order}', undefined],
      ['POST', '/shared', 'send-email'],
    ]);
    expect(left).toEqual([
      '"/reports/{id}.json": "{id}.json" is neither a name nor one parameter',
      '"/away": it is defined elsewhere',
    ]);
  });

  it.each<[string, string]>([
    ['of another version', '{"swagger":"2.0","paths":{}}'],
    ['without paths', '{"openapi":"3.0.3"}'],
    ['with a repeated member', '{"openapi":"3.0.3","paths":{},"paths":{}}'],
    ['with aliases that grow', 'openapi: 3.0.3\na: &a [x, x]\nb: &b [*a, *a]\npaths: *b\n'],
    ['that is not YAML', 'openapi: 3.0.3\npaths: ['],
    ['that is too deep', `openapi: 3.0.3\n${' '.repeat(300)}a: 1`],
  ])('refuses a document %s', async (_what, text) => {
    await expect(readOpenApi(text)).rejects.toThrow();
  });
});

describe('proposalsFor', () => {
  it('proposes entries that a catalog accepts, with the route as the tool and the resource of the path', async () => {
    const { operations } = await readOpenApi(DOCUMENT);
    const proposals = proposalsFor('crm', operations);
    expect(proposals[0]).toMatchObject({
      tools: ['http__crm__GET /customers/:id'],
      verb: 'crm.getCustomer',
      effects: ['read'],
      resource: { type: 'customers', id: '{/path/id}' },
    });
    expect(proposals[2]?.resource).toEqual({ type: 'orders', id: '{/path/id}/{/path/order}' });
    expect(compileCatalog(proposals).ok).toBe(true);
  });

  it('is never milder for a method that writes than for the name alone', () => {
    const names = fc.constantFrom('getCustomer', 'sendEmail', 'frobnicate', 'list', 'deleteAll', 'run');
    fc.assert(
      fc.property(names, fc.constantFrom('POST', 'PUT', 'PATCH', 'DELETE'), (name, method) => {
        const [plain, stricter] = ['GET', method].map(
          (each) => proposalsFor('a', [{ method: each, path: '/x', name }])[0]!,
        );
        for (const effect of EFFECTS) if (plain!.effects.includes(effect)) expect(stricter!.effects).toContain(effect);
        expect(stricter!.effects).toContain('write');
        expect(RISKS.indexOf(stricter!.risk)).toBeGreaterThanOrEqual(RISKS.indexOf(plain!.risk));
      }),
    );
  });
});
