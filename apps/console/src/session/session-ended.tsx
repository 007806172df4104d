import { useState, type ReactNode } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { Dialog } from '../parts/dialog';
import { T } from '../texts';
import { readSession, SESSION_KEY } from './session';
import { CodeForm } from './sign-in';

/** Shown over the page when its session has ended: the page and its forms stay as they are. */
export function SessionEnded({ onSignedIn }: { onSignedIn: () => void }): ReactNode {
  const queries = useQueryClient();
  const [isMissing, setMissing] = useState(false);
  const proceed = (): void => {
    void queries.invalidateQueries();
    onSignedIn();
  };
  const check = async (): Promise<void> => {
    const session = await readSession().catch(() => null);
    if (!session) return setMissing(true);
    queries.setQueryData(SESSION_KEY, session);
    proceed();
  };
  return (
    <Dialog title={T.expired.title}>
      <p>{T.expired.text}</p>
      <p className="actions">
        <a className="button" href="/console/" target="_blank" rel="noreferrer">
          {T.expired.openTab}
        </a>
        <button type="button" className="button" onClick={() => void check()}>
          {T.expired.again}
        </button>
      </p>
      {isMissing && (
        <p className="field-problem" role="alert">
          {T.expired.still}
        </p>
      )}
      <CodeForm onSignedIn={proceed} />
    </Dialog>
  );
}
