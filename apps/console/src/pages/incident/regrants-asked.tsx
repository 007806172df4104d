import type { ReactNode } from 'react';
import { Link } from '@tanstack/react-router';
import { Hourglass, TriangleAlert } from 'lucide-react';
import { AgentText } from '../../parts/agent-text';
import { Id } from '../../parts/marks';
import { T } from '../../texts';

/** What became of the request for one lease: a run that waits for an approval, or why none was requested. */
export interface Opened {
  readonly grantId: string;
  readonly run?: { readonly id: string };
  readonly approval?: { readonly id: string };
  readonly error?: { readonly code: string; readonly detail: string };
}

/** What was asked for, with the approvals that wait. */
export function Asked({ of }: { of: readonly Opened[] }): ReactNode {
  const r = T.incident.regrants;
  return (
    <ul className="plain-list" role="status" aria-label={r.asked}>
      {of.map(({ grantId, run, approval, error }, at) => (
        <li key={`${grantId} ${at}`} className={`notice ${error ? 'notice-bad' : 'notice-wait'}`}>
          {error ? <TriangleAlert aria-hidden size={16} /> : <Hourglass aria-hidden size={16} />}
          <div>
            <Id>{grantId}</Id>{' '}
            {error ? (
              <>
                {r.refused} <AgentText>{error.detail}</AgentText> <code>{error.code}</code>
              </>
            ) : (
              <>
                {approval && (
                  <Link to="/approvals" search={{ id: approval.id }}>
                    {r.waits} <Id>{approval.id}</Id>
                  </Link>
                )}{' '}
                {run && (
                  <Link to="/runs/$id" params={{ id: run.id }}>
                    {r.run} <Id>{run.id}</Id>
                  </Link>
                )}
              </>
            )}
          </div>
        </li>
      ))}
    </ul>
  );
}
