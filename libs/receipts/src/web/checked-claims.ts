import { STATEMENT_TYPE, type InPartsStatement, type Statement } from '@bailiwick/contracts/receipts/receipt';
import { findingsOf, isOnlyOpen, type DigestOf } from '../chain';
import { countersOf } from '../counters';
import { idOf, KINDS, subjectPosition, type Claims } from '../kinds';
import type { Story } from '../story';
import { DID_NOT_PROVE } from '../summary';
import type { Crypto } from './crypto';
import { need } from './failed';
import { claimsDigest, type Whole } from './parts';
import { sumsOf } from './sums';

// The steps `custody`, `claims` and `sums` of a verification: from proved events to the claims of the receipt.

/** Builds the statement of a receipt in parts, and checks that its claims match the digest that the receipt states. */
export function claimedBy(first: InPartsStatement, whole: Whole, story: Story, digestOf: DigestOf): Statement {
  const { type, id, subject, events } = whole;
  const claims = KINDS[type].summarise(id, story, digestOf);
  need(
    claimsDigest(claims, digestOf) === first.predicate.claims,
    'the claims that follow from the events of the parts do not match the digest in the receipt',
  );
  return { _type: STATEMENT_TYPE, subject, predicateType: type, predicate: { ...claims, events } } as Statement;
}

/** Checks I7, I2 and I8 for every permitted action of the receipt's subject. */
export function custodyHolds(about: string, story: Story, digestOf: DigestOf): [undefined, string] {
  const actions = permittedIn(about, story);
  for (const { id, position } of actions) {
    const real = findingsOf(id, story, digestOf).filter((finding) => !isOnlyOpen(finding));
    need(real.length === 0, `action ${id}: ${real.join('; ')}`, position);
  }
  return [undefined, `${actions.length} ${actions.length === 1 ? 'chain' : 'chains'}`];
}

/** Lists the permitted actions from the events, independent of the claims. */
function permittedIn(id: string, story: Story): { id: string; position: number }[] {
  return [...story.decisions].flatMap(([actionId, { event }]) =>
    event.type === 'ActionPermitted' && [event.runId, event.treeId, actionId].includes(id)
      ? [{ id: actionId, position: event.position }]
      : [],
  );
}

export function claimsMatch(crypto: Crypto, statement: Statement, story: Story, digestOf: DigestOf): string {
  const { events: _, ...given }: Claims & { events: unknown } = statement.predicate;
  const { predicateType: type, subject } = statement;
  const kind = KINDS[type];
  const id = idOf(statement);
  const subjectAt = subjectPosition(type, id, story);
  const body = statement.predicate.events.find(({ position }) => position === subjectAt)?.body;
  need(
    body !== undefined && isSame(subject, [{ name: id, digest: { sha256: crypto.sha256hex(body) } }]),
    `the subject is not the ${kind.about}, identified by the digest of its first event`,
    subjectAt,
    'subject',
  );
  const chosen = new Set(kind.select(id, story));
  const stray = story.entries.find((each) => !chosen.has(each))?.event.position;
  need(stray === undefined, `event ${stray} does not belong to this ${kind.about}`, stray);
  const today = kind.summarise(id, story, digestOf);
  const again = (isSame(given.doesNotProve, DID_NOT_PROVE) ? asFirst(today) : today) as unknown as Record<
    string,
    unknown
  >;
  const differing = Object.keys({ ...again, ...given }).filter(
    (name) => !isSame(again[name], (given as unknown as Record<string, unknown>)[name]),
  );
  const [first] = differing;
  need(
    first === undefined,
    `the claims ${differing.join(', ')} do not follow from the events`,
    undefined,
    first && pathOf(first, again[first], (given as unknown as Record<string, unknown>)[first]),
  );
  return `${Object.keys(again).length} claims about ${id}`;
}

/** Converts claims to those of the first release: without `requestedByStatedBy`, and with its `doesNotProve`. */
function asFirst(claims: Claims): Claims {
  const { requestedByStatedBy: _, ...rest } = claims;
  const runs = 'runs' in rest ? { runs: rest.runs.map(({ requestedByStatedBy: __, ...run }) => run) } : {};
  return { ...rest, ...runs, doesNotProve: DID_NOT_PROVE };
}

/** Compares JSON values; an undefined member counts as absent. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [one, two] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const key of Object.keys(one)) if (!isSame(one[key], two[key])) return false;
  for (const key of Object.keys(two)) if (one[key] === undefined && two[key] !== undefined) return false;
  return true;
}

/** Returns the path of the first difference, such as `actions.3.cost.USD`. */
function pathOf(path: string, a: unknown, b: unknown): string {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return path;
  const [one, two] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const key = Object.keys({ ...one, ...two }).find((each) => !isSame(one[each], two[each]));
  return key === undefined ? path : pathOf(`${path}.${key}`, one[key], two[key]);
}

export function sumsHold(claims: Claims, story: Story, whole: boolean): [undefined, string] {
  const detail = sumsOf(claims);
  const [wrong] = countersOf(story, whole);
  need(wrong === undefined, `event ${wrong?.position}: ${wrong?.says}`, wrong?.position);
  return [undefined, detail];
}
