import { postureLimit, type PostureLimit } from '@bailiwick/contracts/grant';
import type { ActionFacts, Dimension, Verdict } from './dimension';
import { clip, listed, sentence, shown } from '../presentation/text';
import { deny, PERMIT, sorted, Wider } from './verdict';

/** What an agent can be redeployed with; its class is fixed when its run is opened. */
const DEPLOYED = ['model', 'modelVersion', 'environment', 'imageDigest'] as const;
const ATTRIBUTES = ['agentClass', ...DEPLOYED] as const;
type Attribute = (typeof ATTRIBUTES)[number];

const IN_WORDS: Record<Attribute, string> = {
  agentClass: 'class',
  model: 'model',
  modelVersion: 'model version',
  environment: 'environment',
  imageDigest: 'image',
};

/**
 * What the enforcement point sees now counts before what was declared when the run was opened. What a run states of
 * itself satisfies nothing: it counts in addition to what was declared.
 */
function actual(action: ActionFacts, attribute: Attribute): (string | undefined)[] {
  if (attribute === 'agentClass') return [action.agentClass];
  const [declared, now] = [action.declaredPosture[attribute], action.currentPosture?.[attribute]];
  if (now === undefined) return [declared];
  return action.stated === 'run' ? [declared, now] : [now];
}

/**
 * Which class of agent, model, image and place. An agent that has become another is not the one this was granted to: a
 * value seen now that differs from the declared one ends it, whatever the lists admit. What was never declared cannot
 * differ; limit it where that matters.
 */
export const posture: Dimension<PostureLimit> = {
  name: 'posture',
  schema: postureLimit,
  unlimited: {},
  /** Lists that have nothing in common leave an empty one: nobody. */
  meet(a, b) {
    const met: PostureLimit = {};
    for (const attribute of ATTRIBUTES) {
      const [x, y] = [a[attribute], b[attribute]];
      const values = x && y ? x.filter((value) => y.includes(value)) : (x ?? y);
      if (values) met[attribute] = sorted(values);
    }
    return met;
  },
  attenuates(child, parent) {
    const wider = new Wider('posture');
    for (const attribute of ATTRIBUTES) {
      const [own, allowed] = [child[attribute], parent[attribute]];
      if (!allowed) continue;
      wider.unless(
        own !== undefined && own.every((value) => allowed.includes(value)),
        `posture.${attribute}`,
        own ? shown(own) : null,
        shown(allowed),
        `its parent requires the ${IN_WORDS[attribute]} to be one of ${listed(allowed)}`,
      );
    }
    return wider.result();
  },
  admits(limit, action, situation) {
    return (situation.leaf ? changed(action) : undefined) ?? mismatch(limit, action) ?? PERMIT;
  },
  describe(limit) {
    const parts = ATTRIBUTES.flatMap((attribute) => {
      const values = limit[attribute];
      return values ? [`${IN_WORDS[attribute]} ${listed(values, 'of none')}`] : [];
    });
    return parts.length > 0 ? `only with ${sentence(parts)}` : 'any agent that the run declares';
  },
};

function changed(action: ActionFacts): Verdict | undefined {
  for (const attribute of DEPLOYED) {
    const [declared, now] = [action.declaredPosture[attribute], action.currentPosture?.[attribute]];
    if (declared === undefined || now === undefined || declared === now) continue;
    return deny(
      'POSTURE_CHANGED',
      `the agent’s ${IN_WORDS[attribute]} is ${clip(now)} now and was ${clip(declared)} when its run was opened; open a new run`,
      { path: `posture.${attribute}`, limit: declared, actual: now },
    );
  }
  return undefined;
}

function mismatch(limit: PostureLimit, action: ActionFacts): Verdict | undefined {
  for (const attribute of ATTRIBUTES) {
    const allowed = limit[attribute];
    if (!allowed) continue;
    const outside = actual(action, attribute).filter((value) => value === undefined || !allowed.includes(value));
    if (outside.length === 0) continue;
    const value = outside[0];
    return deny(
      'POSTURE_MISMATCH',
      `the agent’s ${IN_WORDS[attribute]} is ${value === undefined ? 'not known' : clip(value)} and must be one of ${listed(allowed, 'none')}`,
      { path: `posture.${attribute}`, limit: shown(allowed), actual: value ?? null },
    );
  }
  return undefined;
}
