import type { Attribute } from '@bailiwick/contracts/actions/action';
import { EFFECTS, RISKS, type Effect, type Risk } from '@bailiwick/contracts/grants/grant';
import { STAGES, type Stage } from '@bailiwick/contracts/policy/catalog-entry';
import type { Catalog } from './catalog/compile';
import { joined, leastStage, staged, stricter, type Facts } from './catalog/facts';
import { isSecretName } from './secret-names';

/** An action to classify: its verb and resource normalized, the rest as it was stated. */
export interface Unclassified {
  readonly verb: string;
  /** the verb as the caller wrote it, with its capitals */
  readonly spelled?: string | undefined;
  readonly tool?: string | undefined;
  readonly effect: Effect | undefined;
  readonly risk: Risk | undefined;
  readonly labels: readonly string[];
  readonly resource: { readonly type: string; readonly id: string; readonly attributes: Attributes };
  /** an enforcement point states it: only then does the stated effect classify an unknown verb */
  readonly vouched?: boolean | undefined;
  /** the lease or the goal names the place that the action reaches */
  readonly named?: boolean | undefined;
}
type Attributes = Readonly<Record<string, Attribute>>;

export interface Classified {
  /** the strictest of `effects` */
  readonly effect: Effect;
  /** each is charged and must be permitted */
  readonly effects: readonly Effect[];
  readonly risk: Risk;
  readonly labels: ReadonlySet<string>;
  /** the stage of the work */
  readonly stage: Stage;
}

const RISK_OF: Readonly<Record<Effect, Risk>> = { read: 'low', write: 'medium', external: 'medium', exec: 'high' };

/** Reports whether a label makes a judgment milder, as `trusted` does for drift: a run cannot set it for itself. */
export const isRelaxing = (label: string): boolean => label === 'trusted';

/**
 * Classifies an action. The facts about its verb hold, and the caller's statements are added: effects have no order, so
 * each is charged and judged; the stricter risk counts; labels are only ever added. For an unknown verb an enforcement
 * point states the effect; a statement of the run itself is added to the assumption.
 */
export function classify(
  { verb, spelled = verb, tool, effect: stated, risk, labels, resource, vouched, named }: Unclassified,
  catalog: Catalog,
): Classified {
  const found = catalog.lookup(spelled, tool);
  const trusted = vouched === true && !found.classified;
  const least = (trusted && (found.ofTool ?? (stated && factsOfEffect(stated)))) || found.facts;
  const classified = found.classified || (trusted && found.ofTool !== undefined);
  const isExtra = stated !== undefined && !least.effects.includes(stated);
  const all = isExtra ? joined(least, factsOfEffect(stated)) : least;
  const { effects } = all;
  const claims = labels.filter((label) => vouched === true || !isRelaxing(label));
  const marks = new Set([...claims, ...least.labels, ...labelsOf(resource, effects, classified)]);
  if (named === true && !labels.includes('fetch:unnamed')) marks.delete('fetch:unnamed');
  return {
    effect: effects[effects.length - 1] as Effect,
    effects,
    risk: risk === undefined ? all.risk : stricter(RISKS, all.risk, risk),
    labels: marks,
    // what the caller states can only make it later
    stage: stricter(STAGES, all.stage, claims.length > 0 ? leastStage({ effects, labels: claims }) : 'draft'),
  };
}

const factsOfEffect = (effect: Effect): Facts => staged({ effects: [effect], risk: RISK_OF[effect], labels: [] });

/** Reports whether an action of this risk needs a drift score. I11: an unknown risk does. */
export const isHighRisk = (risk: unknown): boolean => risk !== 'low' && risk !== 'medium';

interface Unjudged {
  /** as the caller wrote it */
  readonly verb: string;
  readonly tool?: unknown;
  readonly risk?: unknown;
  readonly effect?: unknown;
}

/** Reports whether `classify` may find a call to be high-risk. */
export const mayBeHighRisk = (call: Unjudged, catalog: Catalog): boolean =>
  isHighRiskBy(call, lookup(call, catalog), statedEffect(call));

/**
 * Reports whether a decision on this call asks the intent monitor first: it may be high-risk, or do more than read.
 * @param vouched the caller is an enforcement point, whose statement counts for an unknown verb
 */
export function asksMonitor(call: Unjudged, vouched: boolean, catalog: Catalog): boolean {
  const found = lookup(call, catalog);
  const stated = statedEffect(call);
  if (isHighRiskBy(call, found, stated) || (stated !== undefined && stated !== 'read')) return true;
  const { effects } =
    (vouched && !found.classified ? (found.ofTool ?? (stated && factsOfEffect(stated))) : undefined) ?? found.facts;
  return effects.some((each) => each !== 'read');
}

const lookup = ({ verb, tool }: Unjudged, catalog: Catalog): ReturnType<Catalog['lookup']> =>
  catalog.lookup(verb, typeof tool === 'string' ? tool : undefined);
const statedEffect = ({ effect }: Unjudged): Effect | undefined => EFFECTS.find((each) => each === effect);

const isHighRiskBy = (
  { risk }: Unjudged,
  { facts }: ReturnType<Catalog['lookup']>,
  stated: Effect | undefined,
): boolean =>
  isHighRisk(facts.risk) ||
  (risk !== undefined && isHighRisk(risk)) ||
  (stated !== undefined && isHighRisk(RISK_OF[stated]));

/**
 * Returns the labels of the resource and the effects. Only an action that does nothing but write discloses no secret.
 */
function labelsOf(
  { type, id, attributes }: Unclassified['resource'],
  effects: readonly Effect[],
  classified: boolean,
): string[] {
  const isBare = Object.keys(attributes).length === 0; // most are, and every call comes through here
  const textOf = (value: unknown): string => (typeof value === 'string' ? value.toLowerCase() : '');
  const own = (name: string): unknown => (Object.hasOwn(attributes, name) ? attributes[name] : undefined);
  // of a list, any element counts
  const is = (name: string, ...values: string[]): boolean =>
    !isBare && [own(name)].flat().some((each) => values.includes(textOf(each)));
  const secret = is('sensitivity', 'secret') || isSecretName(id) || isSecretName(type);
  const onlyWrites = classified && effects.every((each) => each === 'write');
  const labels: string[] = [];
  if (secret && !onlyWrites) labels.push('read:secret');
  if (secret || is('sensitivity', 'confidential', 'private', 'personal')) labels.push('private');
  if (is('trust', 'untrusted', 'external') || is('origin', 'untrusted', 'external')) labels.push('untrusted');
  if (effects.includes('external')) labels.push('send:external');
  if (effects.includes('exec')) labels.push('exec:shell');
  return labels;
}
