import { allowsCallback, parseCallbackUrl } from './callback-rule.ts';
import type { CallbackRule } from './callback-rule.ts';

/** The endpoint name of deliveries to callback URLs. */
export const CALLBACK_ENDPOINT = 'callback';

/** One entry of `callbacks`: a rule that allows URLs, and the secrets that sign deliveries to them. */
export interface CallbackEntry {
  readonly rule: CallbackRule;
  readonly secrets: readonly string[];
}

/** Returns the lane of a callback URL: its origin, which no endpoint can have as its name. */
export function callbackLane(url: string): string {
  return URL.parse(url)?.origin ?? url;
}

/** Reports whether this is the lane of callback URLs, not the name of an endpoint. */
export function isCallbackLane(lane: string): boolean {
  return URL.canParse(lane);
}

export interface CallbackFault {
  readonly message: string;
  /** False if no callback URL is allowed at all. */
  readonly isConfigured: boolean;
}

/** Returns why these entries do not allow a callback URL, or undefined if one of them does. */
export function callbackFault(entries: readonly CallbackEntry[], url: string): CallbackFault | undefined {
  if (entries.length === 0) return { message: 'callbacks are not configured', isConfigured: false };
  const parsed = parseCallbackUrl(url);
  if (!parsed.ok) return { message: parsed.message, isConfigured: true };
  if (entries.some(({ rule }) => allowsCallback(rule, parsed.value))) return undefined;
  return { message: 'is not allowed by callbacks', isConfigured: true };
}

/** Returns the secrets of the first entry that allows a URL, or undefined if none does. */
export function callbackSecrets(
  entries: readonly CallbackEntry[],
  url: string,
): readonly string[] | undefined {
  const parsed = parseCallbackUrl(url);
  if (!parsed.ok) return undefined;
  return entries.find(({ rule }) => allowsCallback(rule, parsed.value))?.secrets;
}
