import type { ActionAnswer, ActionRequest, Attribute, OutcomeRequest } from '@bailiwick/contracts/actions/action';
import type { Answer, Command, DerivedCall } from '@bailiwick/contracts/commands/command';
import { canonicalDigest } from '@bailiwick/core/digest';
import type { Caller } from '../auth/caller';
import { payloadOf } from '../auth/pseudonyms';
import { fromAnswer, problemOf, Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { logOf } from '../log-client/logs';
import { withReasons } from '../presentation/reasons';
import { redactedArgs, redactText } from '@bailiwick/edge/redaction';
import { contradictionIn } from './contradictions';
import type { Stated } from './value-marks';

type CommandContext = Pick<RequestContext, 'command' | 'caller'>;

/**
 * The command that decides an action. The arguments themselves stay in the gateway: the decision is about their digest,
 * and a redacted preview is stored with the event. `values` are stored as they are: see `withValues`.
 * @throws Refused BAD_REQUEST if the arguments have no canonical form; ATTRIBUTE_CONTRADICTS_ARGS if an attribute of the
 * resource states another value than the argument of the same name. With `argsDigest` alone there is nothing to compare:
 * the attributes count as the enforcement point states them
 * @param derived what the policy in force takes from the arguments
 */
export function authorizeCommand(
  context: CommandContext,
  { digests, ...request }: Stated<ActionRequest>,
  derived?: DerivedCall,
  part?: string,
): Command {
  const { args, argsDigest, values, ...action } = request.action;
  const digest = args === undefined ? argsDigest : digestOf(args);
  if (args !== undefined && request.resource.attributes !== undefined)
    refuseContradiction(args, request.resource.attributes);
  return context.command(
    'authorize',
    logOf(context.caller, request.grantId),
    {
      ...request,
      action: { ...action, argsDigest: digest },
      values: digests && [...digests],
      derived,
      proof: proofOf(context.caller),
      payload:
        args === undefined && values === undefined ? undefined : payloadOf({ ...(args && redactedArgs(args)), values }),
    },
    part,
  );
}

/** The command that settles an action with its outcome. */
export function settleCommand(
  context: CommandContext,
  actionId: string,
  { preview, values, digests, ...outcome }: Stated<OutcomeRequest>,
): Command {
  return context.command('settle', logOf(context.caller, actionId), {
    actionId,
    outcome,
    values: digests && [...digests],
    payload:
      preview === undefined && values === undefined
        ? undefined
        : payloadOf({ preview: preview === undefined ? undefined : redactText(preview), values }),
  });
}

/** Serializes the answer to one action. */
export const answerText = ({ reasons, ...decided }: ActionAnswer): string => withReasons(decided, reasons);

/** Serializes the answer to one action of a batch; each may be refused separately. */
export function partText(answer: Answer): string {
  if (answer.ok) return answerText(answer.value as ActionAnswer);
  return JSON.stringify({ error: problemOf(fromAnswer(answer.refusal)).body });
}

/** The proof for the session dimension: a run proves its own key; an enforcement point vouches for the run. */
const proofOf = (caller: Caller) =>
  caller.kind === 'run'
    ? { vouched: false as const, ...(caller.jkt ? { jkt: caller.jkt } : {}) }
    : { vouched: true as const };

/** The detail names both places and neither value, which may be secret. */
function refuseContradiction(args: Record<string, unknown>, attributes: Record<string, Attribute>): void {
  const found = contradictionIn(args, attributes);
  if (!found) return;
  throw new Refused(
    'ATTRIBUTE_CONTRADICTS_ARGS',
    `resource.attributes.${clip(found.attribute)} states another value than action.args.${clip(found.argument)}; ` +
      'state what the call really contains, or leave the attribute out',
  );
}
const clip = (name: string): string => (name.length > 60 ? `${name.slice(0, 60)}…` : name);

function digestOf(args: Record<string, unknown>): string {
  try {
    return canonicalDigest(args);
  } catch (error) {
    throw new Refused('BAD_REQUEST', `action.args: ${(error as Error).message}`); // such as 1e400, which is valid JSON
  }
}
