import { useState, type ReactNode } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { Ban, Pause, Play } from 'lucide-react';
import type { GrantView } from '@bailiwick/contracts/grants/grant';
import { post } from '../../api/client';
import type { Tree } from '../../api/queries';
import { ReasonDialog } from '../../parts/reason-dialog';
import { hasOneOf, useCaller } from '../../session/session';
import { T } from '../../texts';

type Verb = 'revocation' | 'suspension' | 'resumption';

/** Suspends, resumes or revokes a lease with everything below it. */
export function StopLease({ grant, tree }: { grant: GrantView; tree: Tree }): ReactNode {
  const session = useCaller();
  const [verb, setVerb] = useState<Verb>();
  const live = grant.status === 'active' || grant.status === 'suspended';
  if (!live) return null;
  return (
    <span className="actions no-print">
      {hasOneOf(session, ['responder', 'approver']) && (
        <button
          type="button"
          className="button"
          onClick={() => setVerb(grant.status === 'suspended' ? 'resumption' : 'suspension')}
        >
          {grant.status === 'suspended' ? <Play aria-hidden size={15} /> : <Pause aria-hidden size={15} />}
          {grant.status === 'suspended' ? T.run.resume : T.run.suspend}
        </button>
      )}
      {hasOneOf(session, ['responder', 'orchestrator']) && (
        <button type="button" className="button button-bad" onClick={() => setVerb('revocation')}>
          <Ban aria-hidden size={15} /> {T.run.revoke}
        </button>
      )}
      {verb && <StopDialog grant={grant} tree={tree} verb={verb} onClose={() => setVerb(undefined)} />}
    </span>
  );
}

const NAMES = { revocation: T.run.revoke, suspension: T.run.suspend, resumption: T.run.resume };

function StopDialog({
  grant,
  tree,
  verb,
  onClose,
}: {
  grant: GrantView;
  tree: Tree;
  verb: Verb;
  onClose: () => void;
}): ReactNode {
  const queries = useQueryClient();
  return (
    <ReasonDialog
      title={verb === 'resumption' ? T.run.resume : T.run.stopTitle}
      label={NAMES[verb]}
      isDestructive={verb === 'revocation'}
      act={(reason) => post(`/v1/grants/${grant.id}/${verb}`, { reason })}
      onDone={async () => {
        await queries.invalidateQueries();
        onClose();
      }}
      onClose={onClose}
    >
      {verb !== 'resumption' && <p>{T.run.stopText(liveBelow(grant, tree))}</p>}
    </ReasonDialog>
  );
}

/** The live leases at and below one. */
function liveBelow(grant: GrantView, { grants }: Tree): number {
  const inside = new Set([grant.id]);
  let count = 0;
  for (const each of [...grants].sort((a, b) => a.depth - b.depth)) {
    if (each.parentId !== undefined && inside.has(each.parentId)) inside.add(each.id);
    if (inside.has(each.id) && (each.status === 'active' || each.status === 'suspended')) count += 1;
  }
  return count;
}
