import { useState, type SubmitEvent, type ReactNode } from 'react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Ban, Pause, Play } from 'lucide-react';
import type { GrantView } from '@bailiwick/contracts/grants/grant';
import { post } from '../../api/client';
import type { Tree } from '../../api/queries';
import { Dialog } from '../../parts/dialog';
import { Failed } from '../../parts/states';
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
  const [reason, setReason] = useState('');
  const stop = useMutation({
    mutationFn: () => post(`/v1/grants/${grant.id}/${verb}`, { reason }),
    onSuccess: async () => {
      await queries.invalidateQueries();
      onClose();
    },
  });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    stop.mutate();
  };
  const name = verb === 'revocation' ? T.run.revoke : verb === 'suspension' ? T.run.suspend : T.run.resume;
  return (
    <Dialog title={verb === 'resumption' ? T.run.resume : T.run.stopTitle} onClose={onClose}>
      <form onSubmit={submit}>
        {verb !== 'resumption' && <p>{T.run.stopText(liveBelow(grant, tree))}</p>}
        <label className="field">
          {T.run.reason}
          <input
            required
            data-focus
            maxLength={500}
            value={reason}
            onChange={({ target }) => setReason(target.value)}
          />
        </label>
        {stop.error && <Failed error={stop.error} />}
        <p className="actions actions-end">
          <button type="button" className="button" onClick={onClose}>
            {T.cancel}
          </button>
          <button
            type="submit"
            className={verb === 'revocation' ? 'button button-bad-solid' : 'button button-primary'}
            disabled={stop.isPending}
          >
            {name}
          </button>
        </p>
      </form>
    </Dialog>
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
