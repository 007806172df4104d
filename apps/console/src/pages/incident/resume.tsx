import { useState, type ReactNode, type SubmitEvent } from 'react';
import { useMutation } from '@tanstack/react-query';
import { Play } from 'lucide-react';
import { post } from '../../api/client';
import { Dialog } from '../../parts/dialog';
import { Failed } from '../../parts/states';
import { T } from '../../texts';

/** Ends a suspension by selector, with a reason for the log. */
export function Resume({ id, onResumed }: { id: string; onResumed: () => void }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const [reason, setReason] = useState('');
  const resume = useMutation({
    mutationFn: () => post(`/v1/revocations/${encodeURIComponent(id)}/resumption`, { reason }),
    onSuccess: () => {
      setOpen(false);
      onResumed();
    },
  });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    resume.mutate();
  };
  return (
    <>
      <button type="button" className="button" onClick={() => setOpen(true)}>
        <Play aria-hidden size={16} /> {T.incident.resume}
      </button>
      {isOpen && (
        <Dialog title={T.incident.resumeTitle} onClose={() => setOpen(false)}>
          <form onSubmit={submit}>
            <p>{T.incident.resumeText}</p>
            <label className="field">
              {T.incident.reason}
              <input
                required
                data-focus
                maxLength={500}
                value={reason}
                onChange={({ target }) => setReason(target.value)}
              />
            </label>
            {resume.error && <Failed error={resume.error} />}
            <p className="actions actions-end">
              <button type="button" className="button" onClick={() => setOpen(false)}>
                {T.cancel}
              </button>
              <button type="submit" className="button button-primary" disabled={resume.isPending}>
                {T.incident.resume}
              </button>
            </p>
          </form>
        </Dialog>
      )}
    </>
  );
}
