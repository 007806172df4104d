import { useState, type ReactNode, type SubmitEvent } from 'react';
import { useMutation } from '@tanstack/react-query';
import { LIMITS } from '@bailiwick/core/limits';
import { T } from '../texts';
import { Dialog } from './dialog';
import { Failed } from './states';

interface Props {
  readonly title: string;
  /** of the button */
  readonly label: string;
  readonly isDestructive?: boolean;
  readonly act: (reason: string) => Promise<unknown>;
  readonly onDone: () => Promise<void> | void;
  readonly onClose: () => void;
  /** what it means */
  readonly children?: ReactNode;
}

/** Asks for a reason for the log, then acts. It stays open, as it was filled in, if that fails. */
export function ReasonDialog({
  title,
  label,
  isDestructive = false,
  act,
  onDone,
  onClose,
  children,
}: Props): ReactNode {
  const [reason, setReason] = useState('');
  const acting = useMutation({ mutationFn: () => act(reason), onSuccess: onDone });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    acting.mutate();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={submit}>
        {children}
        <label className="field">
          {T.reason}
          <input
            required
            data-focus
            maxLength={LIMITS.reasonLength}
            value={reason}
            onChange={({ target }) => setReason(target.value)}
          />
        </label>
        {acting.error && <Failed error={acting.error} />}
        <p className="actions actions-end">
          <button type="button" className="button" onClick={onClose}>
            {T.cancel}
          </button>
          <button
            type="submit"
            className={isDestructive ? 'button button-bad-solid' : 'button button-primary'}
            disabled={acting.isPending}
          >
            {label}
          </button>
        </p>
      </form>
    </Dialog>
  );
}
