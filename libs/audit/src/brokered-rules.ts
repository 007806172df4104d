import { normalizeResourceId } from '@bailiwick/authority/matching/pattern';
import type { EventOf } from '@bailiwick/contracts/events/event';
import { canonicalize } from '@bailiwick/core/canonical';
import { at, type Books, type Grant } from './books';
import type { ReportFinding } from './finding';

/**
 * The calls that services act for. The permit of a service is checked like every other: by its own chain, which is
 * charged. This checks the call that it names: in flight, under a live lease of another tree, to this service, and not
 * used before. The caller's tree names the permit in the same append.
 */
export class BrokeredCalls {
  /** call → the permit of a service that used it */
  private readonly used = new Map<string, string>();
  /** the last permit, until the caller's tree names it */
  private unnamed: EventOf<'ActionPermitted'> | undefined;

  permit(books: Books, event: EventOf<'ActionPermitted'>, service: Grant, report: ReportFinding): void {
    const { calledBy } = event.data;
    if (calledBy === undefined) return;
    const { actionId, runId, treeId } = calledBy;
    this.unnamed = event;
    const before = this.used.get(actionId);
    if (before !== undefined) report('custody', `permitted for ${actionId}, which ${before} has used`);
    this.used.set(actionId, event.actionId ?? event.id);
    const call = books.open.get(actionId);
    if (call?.runId !== runId || books.runs.get(runId)?.treeId !== treeId)
      return report('custody', `permitted for ${actionId}, which is not in flight`);
    if (treeId === event.treeId) report('custody', `permitted for ${actionId} of the same tree`);
    const named = normalizeResourceId(service.run.agent.class);
    if (!named.ok || call.callsAgent !== named.value)
      report('custody', `permitted for ${actionId}, which does not call ${service.run.agent.class}`);
    const dead = books.dead(books.chain(call.grantId) ?? [], at(event.time));
    if (dead !== undefined) report('liveness', `permitted for a caller although ${dead}`);
  }

  /** Checks that an event of the caller's tree names the permit before it. */
  named(
    books: Books,
    { actionId = '', treeId, data: { called, labels } }: EventOf<'ActionCalled'>,
    report: ReportFinding,
  ): void {
    const permit = this.unnamed;
    this.unnamed = undefined;
    if (!books.open.has(actionId)) report('custody', `${actionId} called a service after it had ended`);
    const { actionId: id, runId, treeId: tree, data } = permit ?? {};
    const isNamed =
      data?.calledBy?.actionId === actionId &&
      data.calledBy.treeId === treeId &&
      canonicalize(called) === canonicalize({ actionId: id, runId, treeId: tree }) &&
      canonicalize(labels) === canonicalize(data.labels);
    if (!isNamed) report('custody', `${actionId} called ${called.actionId}, which was not permitted for it`);
  }

  /** Reports a permit that its caller's tree does not name. Also call it after the last event. */
  overdue(report: ReportFinding): void {
    const { actionId, data } = this.unnamed ?? {};
    this.unnamed = undefined;
    if (actionId !== undefined)
      report(
        'custody',
        `${actionId} was permitted for ${data?.calledBy?.actionId ?? 'a call'}, whose tree does not name it`,
      );
  }
}
