import type { DecidedAction } from '@bailiwick/contracts/events/event';
import { RISKS, type Effect, type Risk } from '@bailiwick/contracts/grants/grant';
import { remembered } from '@bailiwick/core/memo';
import { recordedStage, stageOf } from '../dimensions/recorded-facts';
import { classify, type Classified, type Unclassified } from '../matching/catalog';
import type { Catalog, Found } from '../matching/catalog/compile';
import { joined, type Facts } from '../matching/catalog/facts';
import { isSecretName } from '../matching/secret-names';
import { chargeOf } from '../state/usage';

/** A recorded call as another catalog classifies it. */
export interface Reclassified {
  readonly data: DecidedAction;
  /** false: the record does not show what the caller stated, so both classifications count */
  readonly isExact: boolean;
}

/** Classifies recorded calls by another catalog than that by which they were decided. */
export class Reclassifier {
  private readonly ofCatalog = new Map<Catalog | undefined, FromCatalog>();

  constructor(private readonly candidate: Catalog) {}

  /**
   * A record has the effects, the risk and the labels of a call, and not which of them the caller stated. What the
   * recorded catalog does not explain was stated, and is kept; a statement that the catalog made anyway is lost.
   * @param recorded the catalog by which the call was decided; undefined if it is not known
   * @param named the lease or the goal names the place of the resource
   */
  of(data: DecidedAction, recorded: Catalog | undefined, named: boolean): Reclassified {
    let from = this.ofCatalog.get(recorded);
    if (!from) this.ofCatalog.set(recorded, (from = new FromCatalog(recorded, this.candidate)));
    return from.of(data, named);
  }
}

/** How a catalog classifies a call, as a record states it. */
type Recorded = Pick<DecidedAction, 'effect' | 'effects' | 'risk' | 'stage' | 'labels'>;

interface Classification {
  readonly facts: Recorded;
  readonly isExact: boolean;
}

/** Classifies the calls that one catalog decided. Most calls repeat a few, whose classifications are remembered. */
class FromCatalog {
  private readonly known = new Map<string, Classification>();
  private readonly isSame: (key: string) => { readonly same: boolean };

  constructor(
    private readonly recorded: Catalog | undefined,
    private readonly candidate: Catalog,
  ) {
    this.isSame = remembered((key) => {
      const [verb, tool] = key.startsWith('[') ? (JSON.parse(key) as [string, string]) : [key.slice(1)];
      const at = (catalog: Catalog): Found => catalog.lookup(verb, tool);
      return { same: recorded !== undefined && sameFound(at(recorded), at(candidate)) };
    }, FAMILIAR);
  }

  of(data: DecidedAction, named: boolean): Reclassified {
    const { verb, tool, stated, effect, effects, risk, stage, labels, resource } = data;
    if (this.isSame(tool === undefined ? `.${verb}` : JSON.stringify([verb, tool])).same)
      return { data, isExact: true };
    // of the resource its type and attributes count, and whether its name is that of a secret
    const { type, id, attributes } = resource;
    const call = [verb, tool, stated, effect, effects, risk, stage, labels, type, isSecretName(id), attributes, named];
    const key = JSON.stringify(call);
    let known = this.known.get(key);
    if (!known) {
      if (this.known.size >= FAMILIAR) this.known.clear();
      known = this.classified(data, named);
      this.known.set(key, known);
    }
    return { data: withFacts(data, known.facts), isExact: known.isExact };
  }

  private classified(data: DecidedAction, named: boolean): Classification {
    const call = callOf(data, named);
    const stated = this.recorded && statedIn(data, call, this.recorded);
    if (stated) return { facts: recordedAs(classify({ ...call, ...stated }, this.candidate)), isExact: true };
    const now = classify({ ...call, effect: undefined, risk: undefined, labels: [] }, this.candidate);
    const { effects, risk, labels, stage } = joined(factsIn(data), { ...now, labels: [...now.labels] });
    const effect = effects[effects.length - 1] as Effect;
    return { facts: recordedAs({ effect, effects, risk, labels: new Set(labels), stage }), isExact: false };
  }
}

/** The calls, and the pairs of verb and tool, that are remembered. */
const FAMILIAR = 10_000;

const sameFound = (a: Found, b: Found): boolean =>
  a.classified === b.classified &&
  sameFacts(a.facts, b.facts) &&
  (a.ofTool === b.ofTool || (a.ofTool !== undefined && b.ofTool !== undefined && sameFacts(a.ofTool, b.ofTool)));

/** Reports whether two facts are the same for a decision. */
export const sameFacts = (a: Facts, b: Facts): boolean =>
  a.risk === b.risk && a.stage === b.stage && sameSet(a.effects, b.effects) && sameSet(a.labels, b.labels);

const sameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a === b || (a.every((each) => b.includes(each)) && b.every((each) => a.includes(each)));

type Call = Omit<Unclassified, 'effect' | 'risk' | 'labels'>;
type Stated = Pick<Unclassified, 'effect' | 'risk' | 'labels'>;

const callOf = (
  { verb, tool, stated, resource: { type, id, attributes = {} } }: DecidedAction,
  named: boolean,
): Call => ({
  verb,
  tool,
  vouched: stated === undefined,
  named,
  resource: { type, id, attributes },
});

const effectsOf = ({ effect, effects }: DecidedAction): readonly Effect[] => effects ?? [effect];

/** Returns the least statement of the caller that explains a record; undefined if none does. */
function statedIn(data: DecidedAction, call: Call, recorded: Catalog): Stated | undefined {
  const effects = effectsOf(data);
  for (const effect of [undefined, ...effects]) {
    const known = classify({ ...call, effect, risk: undefined, labels: [] }, recorded);
    if (!sameSet(known.effects, effects) || RISKS.indexOf(known.risk) > RISKS.indexOf(data.risk)) continue;
    if (![...known.labels].every((label) => data.labels.includes(label))) continue;
    const risk: Risk | undefined = known.risk === data.risk ? undefined : data.risk;
    return { effect, risk, labels: data.labels.filter((label) => !known.labels.has(label)) };
  }
  return undefined;
}

const factsIn = (data: DecidedAction): Facts => ({
  effects: effectsOf(data),
  risk: data.risk,
  labels: data.labels,
  stage: stageOf(data),
});

const recordedAs = ({ effect, effects, risk, labels, stage }: Classified): Recorded => ({
  effect,
  effects: effects.length > 1 ? [...effects] : undefined,
  risk,
  stage: recordedStage(effect, stage).stage,
  labels: [...labels].sort(),
});

/**
 * Copies a call with other facts. Members that the record may lack come before the copy of the rest, since a copy that
 * adds them after it, or leaves some out, takes ten times as long.
 */
function withFacts(data: DecidedAction, { effect, effects, risk, labels, stage }: Recorded): DecidedAction {
  const charge = chargeOf(effects ?? effect, data.charge.cost, data.charge.units);
  const copy = { effects, stage, ...data, effect, risk, labels, charge };
  copy.effects = effects;
  copy.stage = stage;
  return copy;
}
