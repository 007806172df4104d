import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { calledTool, labels, resource } from '../actions/action';
import { REASON_CODES } from '../error-codes';
import { agent, grantRequest } from '../grants/grant';
import { obligations } from '../obligations/obligation';
import { costs, freeText, time, units } from '../primitives';
import { outcome } from '../reason';

const call = {
  verb: calledTool.shape.verb.describe('The verb, as the caller writes it.'),
  tool: calledTool.shape.tool.describe('The name of the tool.'),
  effect: calledTool.shape.effect.describe('The effect that the caller states.'),
  risk: calledTool.shape.risk.describe('The risk that the caller states.'),
  args: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('The arguments, from which the entry of the catalog takes resource, attributes, cost and units.'),
  resource: resource.optional().describe('The resource. Left out: what the entry of the catalog takes from args.'),
  cost: costs.optional().describe('The cost that the caller states, in minor units.'),
  units: units.optional().describe('The counted units that the caller states.'),
  labels: labels.optional().describe('The labels that the caller states.'),
  by: z
    .enum(['enforcer', 'run'])
    .optional()
    .describe('What asks: an enforcement point, or the run itself. Left out: an enforcement point.'),
  drift: z.number().min(0).max(1).optional().describe('The drift score of the run at this call. Left out: 0.'),
};
export const policyCall = z.strictObject(call);
export type PolicyCall = z.infer<typeof policyCall>;

export const policyStep = z.strictObject({
  ...call,
  expect: outcome.optional().describe('The decision that this step must get. Left out: permit.'),
  outcome: z
    .enum(['completed', 'failed', 'none'])
    .optional()
    .describe('The outcome that is reported for a permit; none leaves it in flight. Left out: completed.'),
  result: labels.optional().describe('Labels of the result, such as untrusted.'),
});
export type PolicyStep = z.infer<typeof policyStep>;

export const policyTest = z.strictObject({
  name: freeText(LIMITS.nameLength).describe('A sentence that states what must hold.'),
  agent: agent.optional().describe('The agent that holds the lease. Left out: the class worker.'),
  at: time
    .optional()
    .describe('When the lease is opened; each step is one second later. Left out: 2026-01-01T00:00:00Z.'),
  lease: grantRequest.describe('The lease, as POST /v1/runs takes it in grant.'),
  history: z
    .array(policyStep)
    .max(LIMITS.policy.stepsPerTest)
    .optional()
    .describe('The calls before, in order; each must get the decision that it expects.'),
  call: policyCall.describe('The call that is decided.'),
  expect: z
    .strictObject({
      decision: outcome.describe('permit, step-up (a person must approve) or deny.'),
      codes: z
        .array(z.enum(REASON_CODES))
        .min(1)
        .max(16)
        .optional()
        .describe('Codes that must be among the reasons, at any depth.'),
      obligations: obligations.optional().describe('Obligations that the permit must have, or stricter ones.'),
    })
    .describe('The decision, and the codes of its reasons.'),
});
export type PolicyTest = z.infer<typeof policyTest>;
