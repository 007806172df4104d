/** Maxima of plain HTTP requests at the boundary. Sizes in bytes, times in milliseconds. */
export const PLAIN_LIMITS = {
  targetChars: 8_192,
  segments: 64,
  parameters: 200,
  /** one header that is passed on */
  headerChars: 8_192,
  headers: 100,
  /** a body that is passed on; one that is read as JSON or as a form has `LIMITS.httpBodyBytes` */
  bodyBytes: 4 * 1024 * 1024,
  /** an answer that is passed on */
  answerBytes: 64 * 1024 * 1024,
  /** an answer whose fields are removed, or a part of which is read */
  readBytes: 4 * 1024 * 1024,
  /** from the request to the end of the answer */
  callMs: 5 * 60_000,
  /** until the head of the answer, and between two parts of it */
  silentMs: 60_000,
  /** requests to one upstream at a time */
  inFlight: 256,
  /** registered APIs, models and agents, each */
  registered: 100,
  routes: 2_000,
} as const;
