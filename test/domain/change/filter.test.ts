import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesFilter, matchesGlob } from '../../../src/domain/change/filter.ts';

describe('globs', () => {
  it('agree with the regular expression they stand for', () => {
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

  it('cannot be made slow', () => {
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
    ['all events', { events: ['*'] }, event, true],
    ['its short name', { events: ['execution.failed'] }, event, true],
    ['another name', { events: ['execution.succeeded'] }, event, false],
    ['one of several', { events: ['target.*', 'execution.*'] }, event, true],
    ['no name at all', { events: [] }, event, false],
    ['its target', { events: ['*'], targets: ['prod-*'] }, event, true],
    ['another target', { events: ['*'], targets: ['dev-*'] }, event, false],
    ['its policy', { events: ['*'], policies: ['*:lifecycle-policy/amis'] }, event, true],
    ['another policy', { events: ['*'], policies: ['*:lifecycle-policy/other'] }, event, false],
    ['any policy, for one without', { events: ['*'], policies: ['*'] }, withoutPolicy, false],
    ['its labels', { events: ['*'], labels: { team: 'plat*', tier: '1' } }, event, true],
    ['one label of two', { events: ['*'], labels: { team: 'plat*', tier: '2' } }, event, false],
    ['a label it lacks', { events: ['*'], labels: { owner: '*' } }, event, false],
    ['a label named like a method', { events: ['*'], labels: { constructor: '*' } }, event, false],
    ['all but one filter', { events: ['*'], targets: ['prod-*'], labels: { team: 'x' } }, event, false],
  ])('%s', (_name, filter, tried, expected) => {
    expect(matchesFilter(filter, tried)).toBe(expected);
  });
});
