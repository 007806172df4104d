import { OAuthRefused } from '../http/problems/oauth-error';

/** Parameters that may be sent several times (RFC 8693 §2.1, RFC 8707 §2). */
const REPEATABLE: ReadonlySet<string> = new Set(['resource', 'audience']);
const PARAMETERS_MOST = 100;

/** The parameters of a request (RFC 6749 appendix B). An empty value counts as left out (RFC 6749 §3.2). */
export class Form {
  private constructor(private readonly values: ReadonlyMap<string, readonly string[]>) {}

  /** Unknown parameters are ignored, as RFC 6749 §3.2 requires. @throws OAuthRefused invalid_request */
  static parse(text: string, contentType: string | undefined): Form {
    if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(contentType ?? ''))
      throw new OAuthRefused('invalid_request', 'send the parameters as application/x-www-form-urlencoded');
    const values = new Map<string, string[]>();
    let count = 0;
    for (const [name, value] of new URLSearchParams(text)) {
      if (++count > PARAMETERS_MOST) throw new OAuthRefused('invalid_request', 'too many parameters');
      if (value.includes('\0')) throw new OAuthRefused('invalid_request', 'a parameter has the character NUL');
      const known = values.get(name);
      if (known !== undefined && !REPEATABLE.has(name))
        throw new OAuthRefused('invalid_request', `the parameter ${name.slice(0, 60)} is repeated`);
      if (value !== '') values.set(name, [...(known ?? []), value]);
      else if (known === undefined && !REPEATABLE.has(name)) values.set(name, []);
    }
    return new Form(values);
  }

  get(name: string): string | undefined {
    return this.values.get(name)?.[0];
  }

  all(name: string): readonly string[] {
    return this.values.get(name) ?? [];
  }

  /** @throws OAuthRefused invalid_request if it is left out */
  need(name: string): string {
    const value = this.get(name);
    if (value === undefined) throw new OAuthRefused('invalid_request', `the parameter ${name} is missing`);
    return value;
  }
}
