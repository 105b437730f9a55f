import { describe, expect, it } from 'vitest';
import {
  callbackFault,
  callbackLane,
  callbackSecrets,
  isCallbackLane,
} from '../../../src/domain/delivery/callback.ts';
import { parseCallbackRule } from '../../../src/domain/delivery/callback-rule.ts';

const entry = (allow: string, secret: string) => {
  const rule = parseCallbackRule(allow);
  if (!rule.ok) throw new Error(rule.message);
  return { rule: rule.value, secrets: [secret] };
};
const ENTRIES = [entry('https://*.example.com/hooks/', 'one'), entry('https://a.example.com/', 'two')];

describe('the fault of a callback URL', () => {
  it.each([
    ['where none are configured', [], 'https://a.example.com/hooks/x', 'callbacks are not configured'],
    ['that is allowed', ENTRIES, 'https://a.example.com/hooks/x', undefined],
    ['that no entry allows', ENTRIES, 'https://b.example.com/', 'is not allowed by callbacks'],
  ])('%s', (_, entries, url, message) => {
    expect(callbackFault(entries, url)?.message).toBe(message);
  });

  it('that is malformed says so, and that callbacks are configured', () => {
    const fault = callbackFault(ENTRIES, 'not a URL');
    expect(fault?.message).toBeTruthy();
    expect(fault?.isConfigured).toBe(true);
  });
});

describe('the secrets of a callback URL', () => {
  it.each([
    ['are those of the first entry that allows it', 'https://a.example.com/hooks/x', ['one']],
    ['are those of a later entry where only that one does', 'https://a.example.com/y', ['two']],
    ['are none where no entry does', 'https://b.example.com/', undefined],
    ['are none where it is no URL', 'not a URL', undefined],
  ])('%s', (_, url, secrets) => {
    expect(callbackSecrets(ENTRIES, url)).toEqual(secrets);
  });
});

describe('the lane of a callback URL', () => {
  it('is its origin, which cannot be the name of an endpoint', () => {
    expect(callbackLane('https://a.example.com:8443/hooks/x?y')).toBe('https://a.example.com:8443');
    expect(isCallbackLane(callbackLane('https://a.example.com/'))).toBe(true);
    expect(callbackLane('not a URL')).toBe('not a URL');
    expect(isCallbackLane('ops')).toBe(false);
  });
});
