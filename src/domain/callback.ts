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

/** What is wrong with a callback URL where these entries are configured, or undefined. */
export function callbackFault(entries: readonly CallbackEntry[], url: string): string | undefined {
  const parsed = parseCallbackUrl(url);
  if (!parsed.ok) return parsed.message;
  return entries.some(({ rule }) => allowsCallback(rule, parsed.value))
    ? undefined
    : 'is not among the URLs that callbacks allow';
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
