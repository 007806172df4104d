/** Notifies the supervisor, if there is one, that this service is ready. */
export function announceReady(): void {
  process.send?.({ type: 'ready' });
}

/**
 * Runs `stop` once, on SIGTERM, on Ctrl-C, and when the supervisor is gone (its channel closes even if it was killed,
 * so no service outlives it), then ends the process.
 */
export function onShutdown(stop: () => Promise<void>): void {
  let stopping = false;
  const once = (): void => {
    if (stopping) return;
    stopping = true;
    const force = setTimeout(() => process.exit(1), 15_000);
    force.unref();
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error('shutting down failed', error);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', once);
  process.on('SIGINT', once);
  if (process.send) process.on('disconnect', once);
}
