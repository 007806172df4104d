import { Chain, UNLIMITED } from '../chain';
import { compare, type Row } from '../verdict';
import { attributesOf } from './attributes';
import { alternatives, type Conjunction, type Statement } from './normal-form';
import source from './vectors.json';

export type Policy = readonly Statement[];

/** Translates a policy into selectors: each alternative of its normal form is one. */
export const selectorsOf = (policy: Policy, resource: { readonly type: string; readonly match: string }): unknown[] =>
  alternatives(['and', policy]).map((where: Conjunction) => ({
    ...resource,
    ...(where.size > 0 ? { where: Object.fromEntries(where) } : {}),
  }));

function decide(policy: Policy, args: unknown): void {
  const chain = new Chain(Date.parse('2026-01-01T00:00:00Z'));
  const resources = selectorsOf(policy, { type: 'subject', match: 'any' });
  const lease = chain.root({ ...UNLIMITED, actions: { allow: ['msg.read'] }, resources });
  chain.call(lease.grantId, 'msg.read', { resource: { type: 'subject', id: 'any', attributes: attributesOf(args) } });
}

/** Decides the policy fixtures of UCAN. */
export function ucanPolicy(): Row[] {
  const rows = (name: 'valid' | 'invalid', expected: 'permit' | RegExp): Row[] =>
    source[name].flatMap(({ args, policies }, group) =>
      (policies as unknown as Policy[]).map((policy, at) =>
        compare(`${name} ${group + 1}.${at + 1} ${JSON.stringify(policy).slice(0, 60)}`, expected, () =>
          decide(policy, args),
        ),
      ),
    );
  return [...rows('valid', 'permit'), ...rows('invalid', /^RESOURCE_NOT_ALLOWED$/)];
}
