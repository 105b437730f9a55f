import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesFilter, matchesGlob } from '../../../src/domain/change/filter.ts';

describe('globs', () => {
  it('match the same text as the equivalent regular expression', () => {
    const glob = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.', '-'), maxLength: 8 });
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '-'), maxLength: 12 });
    fc.assert(
      fc.property(glob, text, (pattern, tried) => {
        const source = pattern
          .split('*')
          .map((part) => part.replace(/[.-]/g, '\\$&'))
          .join('.*');
        expect(matchesGlob(pattern, tried)).toBe(new RegExp(`^${source}$`).test(tried));
      }),
      { numRuns: 2000 },
    );
  });

  it('match in reasonable time even with thousands of stars', () => {
    expect(matchesGlob('*a'.repeat(5000) + 'b', 'a'.repeat(100_000))).toBe(false);
  });
});

describe('the filter of an endpoint', () => {
  const event = {
    type: 'execution.failed',
    targetName: 'prod-use1',
    lifecyclePolicyArn: 'arn:aws:imagebuilder:us-east-1:123456789012:lifecycle-policy/amis',
    labels: { team: 'platform', tier: '1' },
  };
  const { lifecyclePolicyArn: _arn, ...withoutPolicy } = event;

  it.each([
    ['any event by a star', { events: ['*'] }, event, true],
    ['an event by its short name', { events: ['execution.failed'] }, event, true],
    ['no event of another name', { events: ['execution.succeeded'] }, event, false],
    ['an event by one of several globs', { events: ['target.*', 'execution.*'] }, event, true],
    ['nothing without a glob', { events: [] }, event, false],
    ['an event by its target', { events: ['*'], targets: ['prod-*'] }, event, true],
    ['no event of another target', { events: ['*'], targets: ['dev-*'] }, event, false],
    ['an event by its policy', { events: ['*'], policies: ['*:lifecycle-policy/amis'] }, event, true],
    ['no event of another policy', { events: ['*'], policies: ['*:lifecycle-policy/other'] }, event, false],
    [
      'no event without a policy if policies are given',
      { events: ['*'], policies: ['*'] },
      withoutPolicy,
      false,
    ],
    ['an event by its labels', { events: ['*'], labels: { team: 'plat*', tier: '1' } }, event, true],
    [
      'no event with only one label of two',
      { events: ['*'], labels: { team: 'plat*', tier: '2' } },
      event,
      false,
    ],
    ['no event without the label', { events: ['*'], labels: { owner: '*' } }, event, false],
    [
      'no event by a label named like a method',
      { events: ['*'], labels: { constructor: '*' } },
      event,
      false,
    ],
    [
      'no event that fails one of several filters',
      { events: ['*'], targets: ['prod-*'], labels: { team: 'x' } },
      event,
      false,
    ],
  ])('matches %s', (_name, filter, tried, expected) => {
    expect(matchesFilter(filter, tried)).toBe(expected);
  });
});
