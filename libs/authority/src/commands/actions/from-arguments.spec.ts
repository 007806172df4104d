import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import type { DerivedCall } from '@bailiwick/contracts/commands/command';
import { act, openTestRun, ROOMY, TestLog } from '../../testing/harness';
import { deploy } from '../../testing/policies';

const BUNDLE: PolicyBundle = {
  catalog: [
    {
      match: ['invoice.pay'],
      effects: ['external'],
      risk: 'medium',
      resource: { type: 'invoice', id: '{/number}' },
      attributes: { to: '/account' },
      cost: { USD: '/cents' },
    },
    { match: ['invoice.read'], effects: ['read'], risk: 'low' },
  ],
};

/** A lease that pays invoices of acme, up to 100 each. */
const PAYS = {
  ...ROOMY,
  resources: [{ type: 'invoice', match: '**', where: { to: { eq: 'acme' } } }],
  budget: { ...ROOMY.budget, cost: { USD: 100 } },
};

function world(): { log: TestLog; grantId: string } {
  const log = new TestLog();
  deploy(log, BUNDLE);
  return { log, grantId: openTestRun(log, PAYS).grantId };
}

const FOUND: DerivedCall = {
  policy: 1,
  resource: { type: 'invoice', id: 'inv-7' },
  attributes: { to: 'acme' },
  cost: { USD: 30 },
};
const INVOICE = { type: 'invoice', id: 'inv-7' };

const decided = ({ log, grantId }: ReturnType<typeof world>, more: object) => {
  const { type, data } = act(log, grantId, 'invoice.pay', { resource: INVOICE, derived: FOUND, ...more });
  const codes = data.reasons.flatMap((each) => (each.reasons ?? [each]).map(({ code }) => code));
  return { type, codes, data };
};

describe('what the catalog takes from the arguments of a call', () => {
  it('decides: an attribute that the request leaves out is added, and the amount is charged', () => {
    const { type, data } = decided(world(), {});
    expect(type).toBe('ActionPermitted');
    expect(data.resource).toEqual({ ...INVOICE, attributes: { to: 'acme' } });
    expect(data.charge.cost).toEqual({ USD: 30 });
  });

  it.each<[string, object, string]>([
    ['another resource', { resource: { type: 'invoice', id: 'inv-8' } }, 'RESOURCE_CONTRADICTS_ARGS'],
    ['another type', { resource: { type: 'order', id: 'inv-7' } }, 'RESOURCE_CONTRADICTS_ARGS'],
    ['another attribute', { resource: { ...INVOICE, attributes: { to: 'evil' } } }, 'ATTRIBUTE_CONTRADICTS_ARGS'],
    [
      'a list in place of its value',
      { resource: { ...INVOICE, attributes: { to: ['acme'] } } },
      'ATTRIBUTE_CONTRADICTS_ARGS',
    ],
    [
      'arguments that state none',
      { derived: { policy: 1, fault: 'the argument /number is missing' } },
      'ARGUMENTS_UNCLEAR',
    ],
  ])('denies a request with %s', (_, more, code) => {
    const { type, codes } = decided(world(), more);
    expect(type).toBe('ActionDenied');
    expect(codes).toContain(code);
  });

  it('denies by the attribute of the arguments, whatever the request states', () => {
    const { type, codes } = decided(world(), { derived: { ...FOUND, attributes: { to: 'evil' } } });
    expect([type, codes]).toEqual(['ActionDenied', expect.arrayContaining(['RESOURCE_NOT_ALLOWED'])]);
  });

  it.each([
    [10, 30],
    [50, 50],
  ])('charges the larger amount if the request states %i', (stated, charged) => {
    expect(decided(world(), { cost: { USD: stated } }).data.charge.cost).toEqual({ USD: charged });
  });

  it('denies an amount of the arguments above the budget, whatever the request states', () => {
    const { type } = decided(world(), { cost: { USD: 1 }, derived: { ...FOUND, cost: { USD: 101 } } });
    expect(type).toBe('ActionDenied');
  });

  it.each<[string, object]>([
    ['by another version of the policy', { derived: { ...FOUND, policy: 0 } }],
    ['not at all', { derived: undefined }],
  ])('is asked for again if the arguments were read %s, without an event', (_, more) => {
    const { log, grantId } = world();
    const before = log.events.length;
    const result = log.try('authorize', {
      grantId,
      action: { verb: 'invoice.pay' },
      resource: INVOICE,
      proof: { vouched: true },
      derived: FOUND,
      ...more,
    });
    expect(result).toEqual({ refusal: expect.objectContaining({ code: 'CONFLICT', extra: { policy: 1 } }) });
    expect(log.events.length).toBe(before);
  });

  it('is not read for an entry that takes nothing', () => {
    const { log, grantId } = world();
    const resource = { ...INVOICE, attributes: { to: 'acme' } };
    expect(act(log, grantId, 'invoice.read', { resource }).type).toBe('ActionPermitted');
  });
});
