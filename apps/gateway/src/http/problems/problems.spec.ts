import type { Admission } from '../../auth/admission';
import type { Caller } from '../../auth/caller';
import { RefusalReports } from '../../reporting/refusal-reports';
import type { Endpoint } from '../endpoints/endpoint';
import { fromAnswer, fromCommand, Refused } from './problem';
import { Problems } from './problems';
import type { Incoming } from '../request-context';

describe('Problems', () => {
  const caller = { tenant: 'default', actor: { kind: 'service', id: 'key:bot' } } as unknown as Caller;
  const endpoint = { method: 'POST', path: '/v1/approvals/:id/decision', roles: ['approver'] } as unknown as Endpoint;
  let recorded: string[];

  const respond = (error: unknown): number => {
    const reports = new RefusalReports((command) => recorded.push(command.type));
    const admission = { callerOf: () => caller } as unknown as Admission;
    const problems = new Problems(admission, reports, { error: () => undefined });
    return problems.ofEndpoint(endpoint, error, { url: endpoint.path } as Incoming).status;
  };

  beforeEach(() => (recorded = []));

  it("reports the gateway's own refusal for lack of rights to the owner, which records it", () => {
    expect(respond(new Refused('FORBIDDEN', 'an enforcer may not'))).toBe(403);
    expect(recorded).toEqual(['recordRefusal']);
  });

  it('does not report a refusal that the owner has recorded, so that the log has it once', () => {
    expect(respond(fromCommand({ code: 'FORBIDDEN', detail: 'an approval is given by a person' }))).toBe(403);
    expect(recorded).toEqual([]);
  });

  it('reports a refusal of a query, which no other service records', () => {
    expect(respond(fromAnswer({ code: 'FORBIDDEN', detail: 'a dry run for another run' }))).toBe(403);
    expect(recorded).toEqual(['recordRefusal']);
  });

  it('reports no other refusals', () => {
    expect(respond(new Refused('NOT_FOUND', 'Log default/9 not found.'))).toBe(404);
    expect(recorded).toEqual([]);
  });
});
