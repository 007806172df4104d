import { Injectable } from '@nestjs/common';
import type { ActionAnswer, ActionRequest } from '@bailiwick/contracts/actions/action';
import type { Answer, Command } from '@bailiwick/contracts/commands/command';
import { PolicyReaders } from '@bailiwick/edge/policy-readers';
import { fromAnswer, fromCommand, Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { LogClient } from '../log-client/log-client';
import { logOf } from '../log-client/logs';
import { policyMetrics } from '../reporting/metrics';
import { authorizeCommand } from './action-commands';

/** A decision without an effect, and the id under which its traces are kept. */
export interface DryDecision {
  readonly answer: ActionAnswer;
  readonly commandId: string;
}

type Ask = (command: Command) => Promise<Answer>;

/**
 * Asks the owner of a log for decisions. The arguments of a call stay here; what the policy in force takes from them is
 * sent with the command. The owner knows which version is in force: if this gateway read the arguments by another one,
 * the owner refuses the command without an effect, and it is read and sent again. Of a batch, only such a command is
 * decided after the others.
 */
@Injectable()
export class ActionDecisions {
  /** one that is missing or old costs a second message */
  private readonly readers: PolicyReaders;

  constructor(private readonly logClient: LogClient) {
    this.readers = new PolicyReaders(logClient);
  }

  /** @throws Refused with the refusal of the owner of the log */
  async decide(context: RequestContext, request: ActionRequest, part?: string): Promise<ActionAnswer> {
    const answer = await this.answered(context, request, part, (command) => this.logClient.submit(command));
    if (!answer.ok) throw fromCommand(answer.refusal);
    counted(request, answer);
    return answer.value as ActionAnswer;
  }

  /** Decides several actions in order, each separately. @throws Refused TOO_MANY if the queue lacks room */
  async decideAll(context: RequestContext, requests: readonly ActionRequest[]): Promise<Answer[]> {
    const commands = requests.map((request, i) => this.commandFor(context, request, String(i)));
    const answers = await this.logClient.submitAll(commands);
    return Promise.all(
      answers.map(async (answer, i) =>
        counted(
          requests[i] as ActionRequest,
          await this.settled(answer, context, requests[i] as ActionRequest, String(i), (command) =>
            this.logClient.submit(command),
          ),
        ),
      ),
    );
  }

  /** Decides without recording anything. @throws Refused as `decide` */
  async decideDry(context: RequestContext, request: ActionRequest, part?: string): Promise<DryDecision> {
    let commandId = '';
    const answer = await this.answered(context, request, part, (command) => {
      ({ commandId } = command);
      return this.logClient.question({ op: 'dryRun', log: command.log, command });
    });
    if (!answer.ok) throw fromAnswer(answer.refusal);
    return { answer: answer.value as ActionAnswer, commandId };
  }

  private async answered(
    context: RequestContext,
    request: ActionRequest,
    part: string | undefined,
    ask: Ask,
  ): Promise<Answer> {
    const answer = await ask(this.commandFor(context, request, part));
    return this.settled(answer, context, request, part, ask);
  }

  /** Reads and sends a command again that was read by another version, as often as deployments may overtake it. */
  private async settled(
    answer: Answer,
    context: RequestContext,
    request: ActionRequest,
    part: string | undefined,
    ask: Ask,
  ): Promise<Answer> {
    let last = answer;
    for (let attempt = 0; isOtherVersion(last); attempt++) {
      if (attempt === ATTEMPTS) throw new Refused('NOT_READY', 'the policy changes faster than it can be read; retry');
      await this.readers.fetch(logOf(context.caller, request.grantId));
      last = await ask(this.commandFor(context, request, part));
    }
    return last;
  }

  private commandFor(context: RequestContext, request: ActionRequest, part: string | undefined): Command {
    const reader = this.readers.known(logOf(context.caller, request.grantId));
    return authorizeCommand(context, request, reader.read(request.action), part);
  }
}

const ATTEMPTS = 3;

const isOtherVersion = (answer: Answer): boolean =>
  !answer.ok && answer.refusal.code === 'CONFLICT' && answer.refusal.extra?.policy !== undefined;

/** Counts what a decision indicates about the policy, and returns the answer. */
function counted({ action: { verb } }: ActionRequest, answer: Answer): Answer {
  if (answer.ok) policyMetrics.decided(verb, answer.value as ActionAnswer);
  return answer;
}
