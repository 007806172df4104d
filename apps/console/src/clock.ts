/** The wall clock of the browser, in milliseconds. Shown times only: every decision uses the clock of the service. */
export const nowMs = (): number => Date.now();
