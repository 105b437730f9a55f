import type { Config } from '../config/schema.ts';
import { CALLBACK_ENDPOINT } from '../domain/delivery/callback.ts';
import type { CallbackEntry } from '../domain/delivery/callback.ts';
import { parseCallbackRule } from '../domain/delivery/callback-rule.ts';
import type { Endpoint } from '../delivery/endpoint-lanes.ts';
import type { Egress } from '../delivery/sending/sender.ts';
import type { HttpSettings } from '../http/server.ts';

/** Returns the settings of HTTP that a reload changes, with secrets revealed. */
export function httpSettings({ server }: Config): HttpSettings {
  const { insecure, requestsPerMinute, trustedProxies } = server;
  const tokens = server.tokens.map((token) => ({ ...token, value: token.value.reveal() }));
  return { tokens, insecure, requestsPerMinute, trustedProxies };
}

/** Returns the configured endpoints as delivery needs them, with secrets revealed. */
export function endpointsOf({ endpoints }: Config): readonly Endpoint[] {
  return endpoints.map((endpoint) => ({
    lane: endpoint.name,
    name: endpoint.name,
    url: endpoint.url.reveal(),
    format: endpoint.format,
    secrets: endpoint.secrets.map((secret) => secret.reveal()),
    headers: Object.fromEntries(
      Object.entries(endpoint.headers).map(([name, value]) => [name, value.reveal()]),
    ),
    timeoutMs: endpoint.timeoutSeconds * 1000,
    maxConcurrent: endpoint.maxConcurrent,
    requestsPerSecond: endpoint.requestsPerSecond,
  }));
}

/** Returns the names of all endpoints that deliveries may go to, including that of callbacks if any callback is allowed. */
export function endpointNames({ endpoints, callbacks }: Config): readonly string[] {
  const names = endpoints.map(({ name }) => name);
  return callbacks.length === 0 ? names : [...names, CALLBACK_ENDPOINT];
}

export function callbackEntries({ callbacks }: Config): readonly CallbackEntry[] {
  return callbacks.flatMap(({ allow, secrets }) => {
    const rule = parseCallbackRule(allow);
    return rule.ok ? [{ rule: rule.value, secrets: secrets.map((secret) => secret.reveal()) }] : [];
  });
}

/** Returns the URL of the proxy for calls to AWS, with its credentials. */
export function awsProxyOf({ egress: { awsProxy } }: Config): string | undefined {
  return awsProxy?.reveal();
}

export function egressOf({ egress: { proxy, awsProxy: _, ...rules } }: Config): Egress {
  return { ...rules, ...(proxy === null ? {} : { proxy: proxy.reveal() }) };
}
