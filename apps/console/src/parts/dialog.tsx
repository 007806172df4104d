import { useEffect, useId, useRef, type ReactNode } from 'react';
import { X } from 'lucide-react';
import { T } from '../texts';

/** A modal dialog: the browser's own, which keeps the focus inside, closes with Escape and returns the focus. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose?: (() => void) | undefined;
  children: ReactNode;
}): ReactNode {
  const ref = useRef<HTMLDialogElement>(null);
  const label = useId();
  useEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    dialog?.querySelector<HTMLElement>('[data-focus]')?.focus();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={ref}
      className="dialog"
      aria-labelledby={label}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
    >
      <header className="dialog-head">
        <h2 id={label}>{title}</h2>
        {onClose && (
          <button type="button" className="icon-button" onClick={onClose} aria-label={T.close}>
            <X aria-hidden size={18} />
          </button>
        )}
      </header>
      {children}
    </dialog>
  );
}
