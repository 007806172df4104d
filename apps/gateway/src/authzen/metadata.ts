export const requestEndpoint = (url: string): string => `${url}/access/v1/requests`;

/**
 * The metadata of the policy decision point. Its addresses are those of `BAILIWICK_PUBLIC_URL`, never of a request, which
 * a proxy or a client could forge.
 * @param url without a trailing slash
 * @see AuthZEN Authorization API 1.0 §9; AuthZEN Access Request and Approval Profile, PDP Metadata
 */
export const metadata = (url: string): Record<string, unknown> => ({
  policy_decision_point: url,
  access_evaluation_endpoint: `${url}/access/v1/evaluation`,
  access_evaluations_endpoint: `${url}/access/v1/evaluations`,
  search_subject_endpoint: `${url}/access/v1/search/subject`,
  search_resource_endpoint: `${url}/access/v1/search/resource`,
  search_action_endpoint: `${url}/access/v1/search/action`,
  access_request_endpoint: requestEndpoint(url),
  jwks_uri: `${url}/oauth/jwks`,
  capabilities: ['urn:openid:authzen:capability:access-request'],
  access_request_callbacks_supported: true,
});
