import { ASSERTION_ALGORITHMS } from '@bailiwick/contracts/keys/client-keys';
import { PROOF_ALGORITHMS } from '@bailiwick/edge/tokens/grant-token';
import { LEASE_TYPE } from './authorization-details';

const CLIENT_METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'];

/**
 * The metadata of the authorization server (RFC 8414 section 2).
 * @param url the configured address of this installation, which is its issuer
 */
export function serverMetadata(url: string, grantTypes: readonly string[]): Record<string, unknown> {
  return {
    issuer: url,
    // refuses every request: MCP clients accept no metadata without it
    authorization_endpoint: `${url}/oauth/authorize`,
    token_endpoint: `${url}/oauth/token`,
    jwks_uri: `${url}/oauth/jwks`,
    introspection_endpoint: `${url}/oauth/introspect`,
    revocation_endpoint: `${url}/oauth/revoke`,
    grant_types_supported: grantTypes,
    response_types_supported: [],
    token_endpoint_auth_methods_supported: [...CLIENT_METHODS, 'none'],
    token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    introspection_endpoint_auth_methods_supported: CLIENT_METHODS,
    introspection_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    revocation_endpoint_auth_methods_supported: CLIENT_METHODS,
    revocation_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    dpop_signing_alg_values_supported: PROOF_ALGORITHMS,
    authorization_details_types_supported: [LEASE_TYPE],
    service_documentation: `${url}/docs`,
  };
}
