import { postureLimit, type PostureLimit } from '@bailiwick/contracts/grants/grant';
import type { ActionFacts, Dimension, Verdict } from './dimension';
import { clip, listed, sentence, shown } from '../presentation/text';
import { deny, PERMIT, sorted, Wider } from './verdict';

/** The attributes that a redeployment can change; the class of an agent is fixed when its run is opened. */
const DEPLOYED = ['model', 'modelVersion', 'environment', 'imageDigest'] as const;
const ATTRIBUTES = ['agentClass', ...DEPLOYED, 'attestedBy'] as const;
type Attribute = (typeof ATTRIBUTES)[number];

const ATTRIBUTE_TEXT: Record<Attribute, string> = {
  agentClass: 'class',
  model: 'model',
  modelVersion: 'model version',
  environment: 'environment',
  imageDigest: 'image',
  attestedBy: 'attestation',
};

/**
 * Returns the values of an attribute. A value that the enforcement point observes now takes precedence over the
 * declared one. A value that the run states itself satisfies nothing: it counts in addition to the declared one.
 */
function actual(action: ActionFacts, attribute: Attribute): (string | undefined)[] {
  if (attribute === 'agentClass') return [action.agentClass];
  if (attribute === 'attestedBy') return [action.attestedBy];
  const [declared, now] = [action.declaredPosture[attribute], action.currentPosture?.[attribute]];
  if (now === undefined) return [declared];
  return action.stated === 'run' ? [declared, now] : [now];
}

/**
 * The class, model, image and environment that an agent must have. A redeployed agent is not the one that the lease was
 * granted to: an observed value that differs from the declared one is denied, whatever the lists admit. An attribute
 * that was never declared cannot differ; limit it if that matters.
 */
export const posture: Dimension<PostureLimit> = {
  name: 'posture',
  schema: postureLimit,
  unlimited: {},
  /** Lists without a common value leave an empty one, which admits no agent. */
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
        `its parent requires the ${ATTRIBUTE_TEXT[attribute]} to be one of ${listed(allowed)}`,
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
      if (!values) return [];
      const says = attribute === 'attestedBy' ? 'a posture that is attested by' : ATTRIBUTE_TEXT[attribute];
      return [`${says} ${listed(values, 'of none')}`];
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
      `the agent’s ${ATTRIBUTE_TEXT[attribute]} is ${clip(now)} now and was ${clip(declared)} when its run was opened; open a new run`,
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
      `the agent’s ${ATTRIBUTE_TEXT[attribute]} is ${value === undefined ? 'unknown' : clip(value)} and must be one of ${listed(allowed, 'none')}`,
      { path: `posture.${attribute}`, limit: shown(allowed), actual: value ?? null },
    );
  }
  return undefined;
}
