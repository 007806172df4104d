import { useState, type ReactNode } from 'react';
import { Play } from 'lucide-react';
import { post } from '../../api/client';
import { ReasonDialog } from '../../parts/reason-dialog';
import { T } from '../../texts';

/** Ends a suspension by selector, with a reason for the log. */
export function Resume({ id, onResumed }: { id: string; onResumed: () => void }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="button" onClick={() => setOpen(true)}>
        <Play aria-hidden size={16} /> {T.incident.resume}
      </button>
      {isOpen && (
        <ReasonDialog
          title={T.incident.resumeTitle}
          label={T.incident.resume}
          act={(reason) => post(`/v1/revocations/${encodeURIComponent(id)}/resumption`, { reason })}
          onDone={() => {
            setOpen(false);
            onResumed();
          }}
          onClose={() => setOpen(false)}
        >
          <p>{T.incident.resumeText}</p>
        </ReasonDialog>
      )}
    </>
  );
}
