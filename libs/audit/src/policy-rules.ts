import { agentsOf, type Agents } from '@bailiwick/authority/manifests/agents';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import { sha256hex } from '@bailiwick/core/digest';
import type { ReportFinding } from './finding';

type Decision = EventOf<'ActionPermitted'> | EventOf<'ActionDenied'> | EventOf<'ActionStepUp'>;

/** The auditor's records of the policies of a log, independent of the fold. */
export class PolicyBook {
  version = 0;
  /** the manifests of the version in force; undefined if it has none */
  agents: Agents | undefined;
  private parts: EventOf<'PolicyPart'>[] = [];

  part(event: EventOf<'PolicyPart'>): void {
    if (event.data.index === 0) this.parts = [];
    this.parts.push(event);
  }

  /**
   * Versions are 1, 2, 3 …, and the parts directly before a deployment are the text that has its digest. One that does
   * not follow is set aside by every fold, and is never in force.
   */
  deployed({ data, position, actor }: EventOf<'PolicyDeployed'>, report: ReportFinding): void {
    const { version, replaces } = data;
    if (actor.kind === 'run') report('policy', `a run deployed version ${version} of the policy`);
    if (version !== this.version + 1 || replaces !== this.version)
      return report('policy', `version ${version} replaces ${replaces}, but version ${this.version} is in force`);
    const text = this.whole(data, position);
    if (text === undefined)
      return report('policy', `the parts before version ${version} are not the bundle with its digest`);
    this.version = version;
    this.agents = agentsIn(text, report);
  }

  /** A candidate names the version in force, and never decides. */
  shadowed({ data, position, actor }: EventOf<'PolicyShadowed'>, report: ReportFinding): void {
    if (actor.kind === 'run') report('policy', 'a run started to compare a policy');
    if (data.version !== this.version)
      report('policy', `a candidate names version ${data.version}, but version ${this.version} is in force`);
    if (this.whole(data, position) === undefined)
      report('policy', 'the parts before a candidate are not the bundle with its digest');
  }

  /** Returns the bundle of an event, if the parts so far are the whole of it, and starts again. */
  private whole({ digest, parts: count }: { digest: string; parts: number }, position: number): string | undefined {
    const { parts } = this;
    this.parts = [];
    const first = position - count;
    const text = parts.map((part) => part.data.text).join('');
    const isWhole =
      parts.length === count &&
      parts.every((part, i) => part.position === first + i && part.data.index === i && part.data.digest === digest) &&
      `sha256:${sha256hex(text)}` === digest;
    return isWhole ? text : undefined;
  }

  /** A decision names the version in force. */
  decided({ data: { policy = 0 }, actionId = '' }: Decision, report: ReportFinding): void {
    if (policy !== this.version)
      report('policy', `${actionId} is decided under version ${policy}, but version ${this.version} is in force`);
  }
}

function agentsIn(text: string, report: ReportFinding): Agents | undefined {
  try {
    return agentsOf((JSON.parse(text) as PolicyBundle).agents);
  } catch {
    report('policy', 'the bundle with this digest is not JSON');
    return undefined;
  }
}

export const isDecision = (event: Event): event is Decision =>
  event.type === 'ActionPermitted' || event.type === 'ActionDenied' || event.type === 'ActionStepUp';
