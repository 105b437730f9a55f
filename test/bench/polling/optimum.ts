import type { Hazard } from '../../../src/domain/cadence/hazard.ts';
import type { Distribution } from './distributions.ts';

const POINTS = 20_000;
const LEAST = 1e-20;

/** The hazard of a known distribution. No poller can know it, so polling by it is the best that is possible. */
export function knownHazard({ density, survival, from, to }: Distribution): Hazard {
  const isWide = from > 0 && to / from > 100;
  const age = (point: number) =>
    isWide ? from * (to / from) ** (point / POINTS) : from + ((to - from) * point) / POINTS;
  const pointOf = (at: number) =>
    isWide ? (POINTS * Math.log(at / from)) / Math.log(to / from) : (POINTS * (at - from)) / (to - from);
  const hazard = (at: number) => Math.max(LEAST, density(at) / Math.max(1e-300, survival(at)));
  const beyond = hazard(to);
  const integral = new Float64Array(POINTS + 1);
  for (let point = 1; point <= POINTS; point += 1) {
    const width = age(point) - age(point - 1);
    integral[point] = integral[point - 1]! + width * Math.sqrt(hazard((age(point) + age(point - 1)) / 2));
  }
  const whole = integral[POINTS]!;
  const integralAt = (at: number) => {
    if (at <= from) return (at - from) * Math.sqrt(LEAST);
    if (at >= to) return whole + (at - to) * Math.sqrt(beyond);
    const point = pointOf(at);
    const low = Math.min(POINTS - 1, Math.floor(point));
    return integral[low]! + (point - low) * (integral[low + 1]! - integral[low]!);
  };
  const ageAt = (value: number) => {
    if (value <= 0) return from + value / Math.sqrt(LEAST);
    if (value >= whole) return to + (value - whole) / Math.sqrt(beyond);
    let low = 0;
    let high = POINTS;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (integral[middle]! <= value) low = middle;
      else high = middle;
    }
    const share = (value - integral[low]!) / (integral[high]! - integral[low]!);
    return age(low) + share * (age(high) - age(low));
  };
  return {
    at: (at) => (at < from ? LEAST : at > to ? beyond : hazard(at)),
    ageAfter: (at, c) => ageAt(integralAt(at) + c),
  };
}
