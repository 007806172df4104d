import type { DerivedCall, CommandOf } from '@bailiwick/contracts/commands/command';
import type { CatalogEntry } from '@bailiwick/contracts/policy/catalog-entry';
import type { Reason, Refusal } from '@bailiwick/contracts/reason';
import { canonicalize } from '@bailiwick/core/canonical';
import { err, ok, type Result } from '@bailiwick/core/result';
import { takesFromArguments } from '../../matching/catalog/templates';
import { normalizeResourceId } from '../../matching/pattern';
import { quoted } from '../../presentation/quoted';

type Authorize = CommandOf<'authorize'>;
type Amounts = Readonly<Record<string, number>>;

/** A call with what its arguments state, and the reasons why they and the caller do not agree. */
export interface FromArguments {
  readonly attributes: NonNullable<Authorize['resource']['attributes']>;
  readonly cost: Amounts;
  readonly units: Amounts | undefined;
  readonly faults: readonly Reason[];
}

/**
 * Enforces what an entry of the catalog takes from the arguments of a call. What the caller states can only make the
 * decision stricter: another resource or attribute is denied, an attribute that it leaves out is added, and of two
 * amounts the larger one is charged.
 * @param id of the stated resource, in its normal form
 * @param version of the policy in force
 * @returns CONFLICT with `policy` if the gateway read the arguments by another version; it reads them again
 */
export function fromArguments(
  { action, resource, cost = {}, units, derived }: Authorize,
  id: string,
  entry: CatalogEntry | undefined,
  version: number,
): Result<FromArguments, Refusal> {
  const { attributes = {} } = resource;
  if (!entry || !takesFromArguments(entry)) return ok({ attributes, cost, units, faults: [] });
  if (derived?.policy !== version) {
    const detail = `the arguments were not read by version ${version} of the policy, which is in force; retry`;
    return err({ code: 'CONFLICT', detail, extra: { policy: version } });
  }
  const known = derived.attributes ?? {};
  const all = { ...attributes, ...known };
  const faults = [
    ...unclear(derived, action.argsDigest),
    ...otherResource(derived, resource.type, id),
    ...otherAttributes(known, attributes),
  ];
  const both = units || derived.units ? larger(units ?? {}, derived.units ?? {}) : undefined;
  return ok({ attributes: all, cost: larger(cost, derived.cost ?? {}), units: both, faults });
}

function unclear({ fault }: DerivedCall, argsDigest: string | undefined): Reason[] {
  if (fault === undefined) return [];
  const code = argsDigest === undefined ? 'ARGUMENTS_NOT_STATED' : 'ARGUMENTS_UNCLEAR';
  return [{ rule: 'catalog', outcome: 'deny', code, message: fault, path: 'action.args' }];
}

function otherResource({ resource }: DerivedCall, type: string, id: string): Reason[] {
  if (!resource) return [];
  const normal = normalizeResourceId(resource.id);
  if (normal.ok && resource.type === type && normal.value === id) return [];
  const named = `${resource.type} ${quoted(resource.id)}`;
  const message = normal.ok
    ? `the arguments name ${named}, and the request ${type} ${quoted(id)}; state the resource that the call really reaches`
    : `the arguments name ${named}, which ${normal.error}`;
  return [{ rule: 'catalog', outcome: 'deny', code: 'RESOURCE_CONTRADICTS_ARGS', message, path: 'resource.id' }];
}

function otherAttributes(known: FromArguments['attributes'], stated: FromArguments['attributes']): Reason[] {
  const differs = ([name, value]: [string, unknown]): boolean =>
    Object.hasOwn(stated, name) && canonicalize(stated[name]) !== canonicalize(value);
  return Object.entries(known)
    .filter(differs)
    .map(([name]) => ({
      rule: 'catalog',
      outcome: 'deny',
      code: 'ATTRIBUTE_CONTRADICTS_ARGS',
      message: `the attribute ${name} states another value than the arguments; leave it out, or state what the call really contains`,
      path: `resource.attributes.${name}`,
    }));
}

function larger(a: Amounts, b: Amounts): Amounts {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries([...names].map((name) => [name, Math.max(a[name] ?? 0, b[name] ?? 0)]));
}

/** The codes of a call whose arguments and request do not agree. */
const CODES: ReadonlySet<string | undefined> = new Set([
  'ARGUMENTS_NOT_STATED',
  'ARGUMENTS_UNCLEAR',
  'RESOURCE_CONTRADICTS_ARGS',
  'ATTRIBUTE_CONTRADICTS_ARGS',
]);

/** Returns the same reasons of a recorded decision: its arguments are not recorded. */
export const recordedFaults = (reasons: readonly Reason[]): Reason[] =>
  reasons.filter(({ rule, code }) => rule === 'catalog' && CODES.has(code));
