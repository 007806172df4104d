/** The credentials of an upstream, which go to its address alone. */
export interface Credentials {
  /** Returns the headers of the next request. @throws NotReached if there are none */
  headers(): Promise<Readonly<Record<string, string>>>;
  /** The upstream has refused a request with 401. */
  refused?(): void;
}
