import { allowsCallback, parseCallbackUrl } from './callback-rule.ts';
import type { CallbackRule } from './callback-rule.ts';

/** The name under which deliveries to all callback URLs go. */
export const CALLBACK_ENDPOINT = 'callback';

/** One entry of `callbacks`: which URLs it allows, and with which secrets deliveries to them are signed. */
export interface CallbackEntry {
  readonly rule: CallbackRule;
  readonly secrets: readonly string[];
}

/** The lane of a callback URL: its origin, which no endpoint can have as its name. */
export function callbackLane(url: string): string {
  return URL.parse(url)?.origin ?? url;
}

/** Whether this is the lane of a callback URL, and not the name of an endpoint. */
export function isCallbackLane(lane: string): boolean {
  return URL.canParse(lane);
}

export interface CallbackFault {
  readonly message: string;
  /** Whether any callback URL is allowed at all. */
  readonly isConfigured: boolean;
}

/** What is wrong with a callback URL where these entries are configured, or undefined. */
export function callbackFault(entries: readonly CallbackEntry[], url: string): CallbackFault | undefined {
  if (entries.length === 0) return { message: 'callbacks are not configured', isConfigured: false };
  const parsed = parseCallbackUrl(url);
  if (!parsed.ok) return { message: parsed.message, isConfigured: true };
  if (entries.some(({ rule }) => allowsCallback(rule, parsed.value))) return undefined;
  return { message: 'is not among the URLs that callbacks allow', isConfigured: true };
}

/** The secrets of the first entry that allows a URL; undefined where none does. */
export function callbackSecrets(
  entries: readonly CallbackEntry[],
  url: string,
): readonly string[] | undefined {
  const parsed = parseCallbackUrl(url);
  if (!parsed.ok) return undefined;
  return entries.find(({ rule }) => allowsCallback(rule, parsed.value))?.secrets;
}
