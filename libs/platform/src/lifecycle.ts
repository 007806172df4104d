interface Application {
  close(): Promise<unknown>;
}

/**
 * Runs a service in this process: starts it, notifies the supervisor that it is ready, and closes it on shutdown. If it
 * does not start, reports the reason and ends the process with exit code 1. A shutdown during `listen` closes the
 * application; `listen` may fail over it, which is no failure to start.
 * @param create opens the connections
 */
export function runService<T extends Application>(
  create: () => Promise<T>,
  listen: (application: T) => Promise<unknown>,
  report: (error: unknown) => void,
): void {
  let isStopping = false;
  const start = async (): Promise<void> => {
    const application = await create();
    onShutdown(() => {
      isStopping = true;
      return application.close();
    });
    await listen(application);
    if (!isStopping) announceReady();
  };
  start().catch((error: unknown) => {
    if (isStopping) return; // the shutdown ends the process
    report(error);
    process.exit(1);
  });
}

/** Notifies the supervisor, if there is one, that this service is ready. */
function announceReady(): void {
  process.send?.({ type: 'ready' });
}

/**
 * Runs `stop` once, on SIGTERM, on Ctrl-C, and when the supervisor is gone (its channel closes even if it was killed,
 * so no service outlives it), then ends the process.
 */
function onShutdown(stop: () => Promise<unknown>): void {
  let stopping = false;
  const once = (): void => {
    if (stopping) return;
    stopping = true;
    const force = setTimeout(() => process.exit(1), 15_000);
    force.unref();
    stop()
      .finally(() => clearTimeout(force))
      .then(
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
