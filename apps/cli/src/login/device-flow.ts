import type { SignIn } from '@bailiwick/contracts/http/bodies';
import { systemClock } from '@bailiwick/core/clock';
import { isSafeAddress } from '@bailiwick/core/safe-address';
import { postForm, TokenRefused, tokensIn, type Metadata, type Tokens } from './issuer';

/** What the person is asked to do on another device. */
export interface DevicePrompt {
  readonly address: string;
  readonly code: string;
}

/**
 * Signs a person in on another device (RFC 8628).
 * @param show shows them where to enter which code
 * @param pause waits between two questions to the issuer, ms
 */
export async function signInWithDevice(
  signIn: SignIn,
  metadata: Metadata,
  show: (prompt: DevicePrompt) => void,
  pause: (ms: number) => Promise<void>,
): Promise<Tokens> {
  if (metadata.device_authorization_endpoint === undefined) throw new Error('the issuer has no device flow');
  const { clientId, scope, resource } = signIn;
  const started = await postForm(metadata.device_authorization_endpoint, { client_id: clientId, scope, resource });
  const { device_code: device, user_code: code, verification_uri: address } = started;
  if (typeof device !== 'string' || typeof code !== 'string' || typeof address !== 'string' || !isSafeAddress(address))
    throw new Error('the issuer returned a malformed device authorization');
  show({ address, code });
  const end = systemClock.now() + Number(started.expires_in ?? 600) * 1_000;
  let seconds = Number(started.interval ?? 5);
  while (systemClock.now() < end) {
    await pause(seconds * 1_000);
    try {
      const form = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: device };
      const answer = await postForm(metadata.token_endpoint, { ...form, client_id: clientId, resource });
      return tokensIn(answer, signIn, undefined);
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error;
      if (error.code === 'slow_down') seconds += 5;
      else if (error.code !== 'authorization_pending') throw error;
    }
  }
  throw new Error('the code has expired; sign in again');
}
