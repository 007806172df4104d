import { useState, type ReactNode, type SubmitEvent } from 'react';
import { useMutation } from '@tanstack/react-query';
import { OctagonX, Pause } from 'lucide-react';
import { LIMITS } from '@bailiwick/core/limits';
import type { PreviewView } from '@bailiwick/contracts/queries/query';
import { post, Problem } from '../../api/client';
import { nowMs } from '../../clock';
import { AgentText } from '../../parts/agent-text';
import { Failed } from '../../parts/states';
import { T } from '../../texts';

const HOUR_MS = 3_600_000;

/** Whether what matches ends for good, or acts again once it is resumed. */
export type Mode = 'revoke' | 'suspend';

/** What is recorded with a revocation. It stays as typed while the selector changes. */
export interface Note {
  readonly reason: string;
  readonly incident: string;
}

interface Props {
  readonly preview: PreviewView;
  /** the body of the preview */
  readonly asked: string;
  readonly quarantine: boolean;
  readonly mode: Mode;
  /** after which a suspension ends; 0: when a person resumes it */
  readonly hours: number;
  readonly note: Note;
  readonly onNote: (note: Note) => void;
  readonly onGrew: () => void;
  readonly onStopped: (revocation: string) => void;
}

/** What has changed since the preview that a refused revocation names, by count and by class. */
interface Growth {
  readonly counts: Readonly<Record<string, number>>;
  readonly byClass: Readonly<Record<string, number>>;
}

/** The person types the number that they saw, so that a revocation of another set is not confirmed by habit. */
export function Confirm(props: Props): ReactNode {
  const { preview, asked, quarantine, mode, hours, note, onNote, onGrew, onStopped } = props;
  const [typed, setTyped] = useState('');
  const [force, setForce] = useState(false);
  const count = preview.counts.grants;
  const stop = useMutation({
    mutationFn: () =>
      post<{ revocationId: string }>('/v1/revocations', {
        ...(JSON.parse(asked) as object),
        reason: note.reason,
        digest: preview.digest,
        ...(note.incident.trim() === '' ? {} : { incident: note.incident.trim() }),
        ...(force ? { force } : {}),
        ...(mode === 'suspend' ? { mode } : {}),
        ...(mode === 'suspend' && hours > 0 ? { until: new Date(nowMs() + hours * HOUR_MS).toISOString() } : {}),
      }),
    onSuccess: ({ revocationId }) => onStopped(revocationId),
    onError: (error) => {
      if (!hasGrown(error)) return;
      setTyped('');
      onGrew();
    },
  });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    stop.mutate();
  };
  if (count === 0 && preview.counts.pendingRuns === 0 && !quarantine) return null;
  const target = preview.target === 'tool' ? 'tool' : 'leases';
  return (
    <form className="confirm" onSubmit={submit}>
      <div className="confirm-fields">
        <label className="field">
          {T.reason}
          <input
            required
            maxLength={LIMITS.reasonLength}
            value={note.reason}
            onChange={({ target }) => onNote({ ...note, reason: target.value })}
          />
        </label>
        <label className="field">
          {T.incident.id}
          <input
            maxLength={100}
            pattern="[A-Za-z0-9][A-Za-z0-9._:\/#\-]*"
            title={T.incident.idHow}
            placeholder="INC-2041"
            spellCheck={false}
            autoComplete="off"
            value={note.incident}
            onChange={({ target }) => onNote({ ...note, incident: target.value })}
          />
        </label>
      </div>
      {hasGrown(stop.error) ? (
        <Grown growth={growthOf(stop.error)} force={force} onForce={setForce} />
      ) : (
        stop.error && <Failed error={stop.error} />
      )}
      <p className="small">
        {T.incident.confirm[mode][target]} {T.incident.confirmHow}
      </p>
      <div className="actions">
        <label className="field field-inline">
          {T.incident.confirmLabel(count)}
          <input
            inputMode="numeric"
            autoComplete="off"
            size={8}
            value={typed}
            onChange={({ target }) => setTyped(target.value)}
          />
        </label>
        <button
          type="submit"
          className={mode === 'revoke' ? 'button button-bad-solid' : 'button button-primary'}
          disabled={typed.trim() !== String(count) || note.reason.trim() === '' || stop.isPending}
        >
          {mode === 'revoke' ? <OctagonX aria-hidden size={16} /> : <Pause aria-hidden size={16} />}{' '}
          {count > 0
            ? T.incident.does[mode][target](count)
            : quarantine
              ? T.incident.quarantineOnly
              : T.incident.doesNone[mode]}
        </button>
      </div>
    </form>
  );
}

/** What was made since the preview. Where agents open runs faster than a person can type, `force` ends the race. */
function Grown({
  growth,
  force,
  onForce,
}: {
  growth: Growth | undefined;
  force: boolean;
  onForce: (force: boolean) => void;
}): ReactNode {
  const signed = (count: number): string => (count > 0 ? `+${count.toLocaleString()}` : count.toLocaleString());
  return (
    <div className="notice notice-wait" role="alert">
      <div>
        <p>{T.incident.grew}</p>
        {growth && (
          <ul className="chips grown">
            {Object.entries(growth.counts).map(([name, more]) => (
              <li key={name} className="chip">
                {signed(more)} {T.incident.counts[name] ?? name}
              </li>
            ))}
            {Object.entries(growth.byClass).map(([name, more]) => (
              <li key={name} className="chip">
                {signed(more)} × <AgentText>{name}</AgentText>
              </li>
            ))}
          </ul>
        )}
        <label className="check">
          <input type="checkbox" checked={force} onChange={({ target }) => onForce(target.checked)} />
          {T.incident.force}
        </label>
      </div>
    </div>
  );
}

const hasGrown = (error: unknown): error is Problem => error instanceof Problem && error.code === 'BLAST_RADIUS_GREW';

function growthOf({ body: { grew } }: Problem): Growth | undefined {
  return typeof grew === 'object' && grew !== null && 'counts' in grew && 'byClass' in grew
    ? (grew as Growth)
    : undefined;
}
